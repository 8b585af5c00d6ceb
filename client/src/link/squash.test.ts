import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { latestOnly } from './squash.ts'

/** What somebody does within one burst. */
type Act =
  | { readonly kind: 'set'; readonly key: string; readonly value: string }
  | { readonly kind: 'unset'; readonly key: string }
  | { readonly kind: 'type'; readonly at: number; readonly text: string }
  | { readonly kind: 'erase' | 'embolden'; readonly at: number; readonly length: number }
  | { readonly kind: 'nest'; readonly key: string; readonly text: string }
  | { readonly kind: 'into-nest'; readonly key: string; readonly text: string }
  | { readonly kind: 'push'; readonly values: readonly string[] }
  | { readonly kind: 'pull'; readonly at: number; readonly length: number }
  | { readonly kind: 'undo' | 'redo' }

const key = fc.constantFrom('a', 'b', 'c')
const text = fc.constantFrom('x', 'words', '😀', 'é😀b', 'a longer sentence that is worth cutting into two or three')
const at = fc.nat({ max: 60 })
const length = fc.nat({ max: 60 })
const plain: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key, value: text }),
  fc.record({ kind: fc.constant('unset' as const), key }),
  fc.record({ kind: fc.constant('type' as const), at, text }),
  fc.record({ kind: fc.constant('erase' as const), at, length }),
  fc.record({ kind: fc.constant('nest' as const), key, text }),
  fc.record({ kind: fc.constant('into-nest' as const), key, text }),
  fc.record({ kind: fc.constant('push' as const), values: fc.array(text, { minLength: 1, maxLength: 4 }) }),
  fc.record({ kind: fc.constant('pull' as const), at, length }),
  fc.record({ kind: fc.constantFrom('undo' as const, 'redo' as const) }),
)

const rich = fc.oneof(plain, fc.record({ kind: fc.constant('embolden' as const), at, length }))

type Bursts = readonly { readonly who: number; readonly acts: readonly Act[] }[]
const burstsOf = (people: number, act: fc.Arbitrary<Act>): fc.Arbitrary<Bursts> =>
  fc.array(fc.record({ who: fc.nat({ max: people - 1 }), acts: fc.array(act, { minLength: 1, maxLength: 8 }) }), {
    maxLength: 12,
  })

class Author {
  readonly doc: Y.Doc
  readonly undo: Y.UndoManager
  #burst: Uint8Array[] = []

  constructor(clientID: number) {
    this.doc = new Y.Doc()
    this.doc.clientID = clientID
    const [map, words, list] = typesOf(this.doc)
    this.undo = new Y.UndoManager([map, words, list], { captureTimeout: 0 })
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'received') this.#burst.push(update)
    })
  }

  do(act: Act): void {
    const [map, words, list] = typesOf(this.doc)
    switch (act.kind) {
      case 'set':
        map.set(act.key, act.value)
        break
      case 'unset':
        map.delete(act.key)
        break
      case 'type':
        words.insert(wholeCharacters(words, act.at, 0)[0], act.text)
        break
      case 'erase':
        words.delete(...wholeCharacters(words, act.at, act.length))
        break
      case 'embolden':
        words.format(...wholeCharacters(words, act.at, act.length), { bold: true })
        break
      case 'nest':
        map.set(act.key, new Y.Map<unknown>([['text', new Y.Text(act.text)]]))
        break
      case 'into-nest': {
        const nested = map.get(act.key)
        const inner = nested instanceof Y.Map ? nested.get('text') : null
        if (inner instanceof Y.Text) inner.insert(0, act.text)
        break
      }
      case 'push':
        list.push([...act.values])
        break
      case 'pull': {
        const from = Math.min(act.at, list.length)
        list.delete(from, Math.min(act.length, list.length - from))
        break
      }
      default:
        this.undo[act.kind]()
    }
  }

  /** All updates since the last time, as one. */
  takeBurst(): Uint8Array | null {
    const burst = this.#burst
    this.#burst = []
    return burst.length === 0 ? null : Y.mergeUpdates(burst)
  }

  receive(update: Uint8Array): void {
    Y.applyUpdate(this.doc, update, 'received')
  }
}

function typesOf(doc: Y.Doc): [Y.Map<unknown>, Y.Text, Y.Array<unknown>] {
  return [doc.getMap('map'), doc.getText('words'), doc.getArray('list')]
}

/** Yjs itself does not converge where somebody halves an emoji; an editor does not. */
function wholeCharacters(words: Y.Text, at: number, length: number): [from: number, length: number] {
  const text = words.toString()
  const whole = (index: number) => (/^[\uDC00-\uDFFF]/.test(text.slice(index)) ? index - 1 : index)
  const from = whole(Math.min(at, text.length))
  return [from, whole(Math.min(from + length, text.length)) - from]
}

function visible(doc: Y.Doc) {
  const [map, words, list] = typesOf(doc)
  const letters = words
    .toDelta()
    .flatMap(({ insert, attributes }: { insert: string; attributes?: { bold?: boolean } }) =>
      [...insert].map((letter) => (attributes?.bold ? `*${letter}` : letter)),
    )
  return { map: map.toJSON(), words: letters.join(''), list: list.toJSON() }
}

function expectSame(one: Y.Doc, other: Y.Doc): void {
  expect(visible(one)).toEqual(visible(other))
  expect(Y.decodeStateVector(Y.encodeStateVector(one))).toEqual(Y.decodeStateVector(Y.encodeStateVector(other)))
  expect(one.store.pendingStructs).toBeNull()
  expect(one.store.pendingDs).toBeNull()
}

describe('[H8] [D4.2] what travels of a burst', () => {
  test('two people in bursts, undo and redo included: whoever gets the latest only ends where those end who got everything', () => {
    let shorter = 0
    fc.assert(
      fc.property(
        // Each replica tidies up formats that have become useless, by edits of its own: with several people these would
        // have to travel, too.
        fc.oneof(burstsOf(2, plain), burstsOf(1, rich)),
        fc.constantFrom([1, 2], [2, 1]),
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        (bursts, ids, meets) => {
          const people = ids.map((id) => new Author(id))
          const [onlyLatest, everything, mixed] = [new Y.Doc(), new Y.Doc(), new Y.Doc()]
          // what each has sent and the other has not got: they write at the same time, now and then
          const outbox: Uint8Array[][] = [[], []]
          const meet = () => {
            for (const [who, sent] of outbox.entries()) {
              for (const update of sent.splice(0)) people[1 - who]!.receive(update)
            }
          }
          bursts.forEach(({ who, acts }, index) => {
            if (meets[index]) meet()
            for (const act of acts) people[who]!.do(act)
            const burst = people[who]!.takeBurst()
            if (!burst) return
            const latest = latestOnly(burst)
            if (latest.length < burst.length) shorter++
            outbox[who]!.push(latest)
            Y.applyUpdate(onlyLatest, latest)
            Y.applyUpdate(everything, burst)
            Y.applyUpdate(mixed, index % 2 ? latest : burst)
            // a tab of the author's browser has it in full, and hears it from the server again
            Y.applyUpdate(everything, latest)
          })
          meet()
          for (const { doc } of people) expectSame(doc, everything)
          expectSame(onlyLatest, everything)
          expectSame(mixed, everything)
          // and whoever comes later gets the same from either
          for (const source of [onlyLatest, mixed, people[0]!.doc]) {
            const late = new Y.Doc()
            Y.applyUpdate(late, Y.encodeStateAsUpdate(source))
            expectSame(late, everything)
          }
        },
      ),
      { numRuns: 600 },
    )
    expect(shorter).toBeGreaterThan(150)
  })

  test('fifty values set for one key are one value and a few bytes', () => {
    const author = new Author(7)
    author.undo.destroy()
    for (let n = 1; n <= 50; n++) author.do({ kind: 'set', key: 'a', value: `value ${n} ${'x'.repeat(100)}` })
    const latest = latestOnly(author.takeBurst()!)
    const text = new TextDecoder().decode(latest)
    expect(text.match(/value \d+/g)).toEqual(['value 50'])
    expect(latest.length).toBeLessThan(200)
  })

  test('a sentence that was typed and taken back does not travel; one letter is not worth a cut', () => {
    const author = new Author(7)
    author.do({ kind: 'type', at: 0, text: 'kept' })
    author.do({ kind: 'type', at: 4, text: 'something that should not have been said at all' })
    author.do({ kind: 'erase', at: 4, length: 60 })
    const latest = latestOnly(author.takeBurst()!)
    expect(new TextDecoder().decode(latest)).not.toContain('said')
    author.do({ kind: 'type', at: 4, text: 'abc' })
    author.do({ kind: 'erase', at: 5, length: 1 })
    const small = author.takeBurst()!
    expect(latestOnly(small)).toBe(small)
  })

  test('what was sent in an earlier burst is deleted, not sent again', () => {
    const author = new Author(7)
    author.do({ kind: 'set', key: 'a', value: 'first' })
    const remote = new Y.Doc()
    Y.applyUpdate(remote, latestOnly(author.takeBurst()!))
    author.do({ kind: 'unset', key: 'a' })
    const burst = author.takeBurst()!
    expect(latestOnly(burst)).toBe(burst)
    Y.applyUpdate(remote, burst)
    expect(visible(remote).map).toEqual({})
  })

  test('an update that cannot be read is given back as it is', () => {
    const broken = Uint8Array.of(1, 200, 3, 4, 5)
    expect(latestOnly(broken)).toBe(broken)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        latestOnly(bytes)
      }),
    )
  })
})
