import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { isApplied, readClaims } from './claims.ts'

/** One person's act on a document; numbers are taken modulo what there is. */
type Act = { who: number; what: 'type' | 'delete' | 'format' | 'set' | 'unset' | 'nest' | 'undo' | 'sync'; at: number }

const acts = fc.array(
  fc.record<Act>({
    who: fc.nat(2),
    what: fc.constantFrom('type', 'delete', 'format', 'set', 'unset', 'nest', 'undo', 'sync'),
    at: fc.nat(50),
  }),
  { maxLength: 60 },
)

class Person {
  readonly doc = new Y.Doc()
  readonly undo = new Y.UndoManager([this.doc.getText('text'), this.doc.getMap('map')])
  readonly unsent: Uint8Array[] = []

  constructor(server: Y.Doc) {
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== server) this.unsent.push(update)
    })
  }

  act({ what, at }: Act): void {
    const text = this.doc.getText('text')
    const map = this.doc.getMap('map')
    if (what === 'type') text.insert(at % (text.length + 1), 'word ')
    if (what === 'delete' && text.length > 0)
      text.delete(at % text.length, Math.min(3, text.length - (at % text.length)))
    if (what === 'format' && text.length > 0) text.format(0, 1 + (at % text.length), { bold: at % 2 === 0 })
    if (what === 'set') map.set(`key ${at % 5}`, { at })
    if (what === 'unset') map.delete(`key ${at % 5}`)
    if (what === 'nest') map.set(`key ${at % 5}`, new Y.Array())
    if (what === 'undo') this.undo.undo()
  }
}

test('[R1.1] whatever honest people do, no edit of theirs is taken for one that did not apply', () => {
  fc.assert(
    fc.property(acts, fc.boolean(), (program, handshake) => {
      const server = new Y.Doc()
      const people = [new Person(server), new Person(server), new Person(server)]
      for (const act of program) {
        const person = people[act.who] as Person
        if (act.what !== 'sync') {
          person.act(act)
          continue
        }
        const sent = handshake ? [Y.encodeStateAsUpdate(person.doc, Y.encodeStateVector(server))] : [...person.unsent]
        person.unsent.length = 0
        for (const update of sent) {
          Y.applyUpdate(server, update)
          expect(isApplied(server, readClaims(update))).toBe(true)
        }
        Y.applyUpdate(person.doc, Y.encodeStateAsUpdate(server, Y.encodeStateVector(person.doc)), server)
      }
    }),
    { numRuns: 500 },
  )
})

test('an edit that was never applied, or whose predecessor is missing, is known', () => {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  doc.getText('text').insert(0, 'one')
  doc.getText('text').insert(3, 'two')
  doc.getText('text').delete(0, 2)
  const [insertion, successor, deletion] = updates as [Uint8Array, Uint8Array, Uint8Array]
  const server = new Y.Doc()
  expect(isApplied(server, readClaims(insertion))).toBe(false)
  Y.applyUpdate(server, successor)
  expect(isApplied(server, readClaims(successor))).toBe(false)
  Y.applyUpdate(server, insertion)
  expect(isApplied(server, readClaims(successor))).toBe(true)
  expect(isApplied(server, readClaims(deletion))).toBe(false)
  Y.applyUpdate(server, deletion)
  expect(isApplied(server, readClaims(deletion))).toBe(true)
})
