import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { split } from './split.ts'

function partsOf(update: Uint8Array, part: number, most = part): readonly Uint8Array[] {
  const divided = split(update, part, most)
  if (divided.kind === 'too-large') throw new Error(`too large: ${divided.bytes}`)
  return divided.parts
}

/** Applies part after part, and fails when one has to wait for a later one. */
function applyInOrder(parts: readonly Uint8Array[], onto = new Y.Doc()): Y.Doc {
  for (const part of parts) {
    Y.applyUpdate(onto, part)
    expect(onto.store.pendingStructs).toBeNull()
    expect(onto.store.pendingDs).toBeNull()
  }
  return onto
}

/** People who write into one document, hear each other now and then, and undo. */
function written(seed: number): { doc: Y.Doc; before: Uint8Array } {
  let random = seed
  const below = (limit: number) => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (random >> 8) % limit
  }
  const docs = [new Y.Doc(), new Y.Doc({ gc: false }), new Y.Doc()]
  for (const [index, doc] of docs.entries()) doc.clientID = 1_000 - index * 7 + below(5)
  let before = Y.encodeStateVector(docs[0]!)
  for (let step = 0; step < 120; step++) {
    const doc = docs[below(3)]!
    const text = doc.getText('t')
    const array = doc.getArray('a')
    const map = doc.getMap('m')
    const act = below(9)
    if (act === 0) text.insert(below(text.length + 1), 'ab😀cdé'.repeat(1 + below(40)))
    else if (act === 1) text.delete(0, Math.min(text.length, below(12)))
    else if (act === 2) text.format(0, Math.min(text.length, 5), { bold: true })
    else if (act === 3) array.insert(below(array.length + 1), [step, 'x'.repeat(below(60)), { step }])
    else if (act === 4) map.set(`k${below(4)}`, 'v'.repeat(below(90)))
    else if (act === 5) map.set('nested', new Y.Map([['in', 'y'.repeat(below(50))]]))
    else if (act === 6)
      array.insert(
        0,
        Array.from({ length: below(60) }, (_, index) => index),
      )
    else Y.applyUpdate(docs[below(3)]!, Y.encodeStateAsUpdate(doc))
    if (step === 40) before = Y.encodeStateVector(docs[0]!)
  }
  for (const doc of docs.slice(1)) Y.applyUpdate(docs[0]!, Y.encodeStateAsUpdate(doc))
  return { doc: docs[0]!, before }
}

describe('[R3.7] what is too large for one message', () => {
  test('whatever was written: each part applies when those before it have, none is larger, and all give the whole', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1 << 30 }), fc.integer({ min: 200, max: 4_000 }), (seed, size) => {
        const { doc, before } = written(seed)
        const parts = partsOf(Y.encodeStateAsUpdate(doc), size)
        for (const part of parts) expect(part.byteLength).toBeLessThanOrEqual(size)
        const copy = applyInOrder(parts)
        expect(Y.encodeStateVector(copy)).toEqual(Y.encodeStateVector(doc))
        expect([copy.getText('t').toDelta(), copy.getArray('a').toJSON(), copy.getMap('m').toJSON()]).toEqual([
          doc.getText('t').toDelta(),
          doc.getArray('a').toJSON(),
          doc.getMap('m').toJSON(),
        ])
        // what a server lacks of it, too
        const server = new Y.Doc()
        Y.applyUpdate(server, Y.encodeStateAsUpdate(doc))
        const lacking = Y.encodeStateAsUpdate(doc, before)
        applyInOrder(partsOf(lacking, size), server)
        expect(Y.encodeStateVector(server)).toEqual(Y.encodeStateVector(doc))
      }),
      { numRuns: 60 },
    )
  })

  test('one large paste is divided, between characters', () => {
    const doc = new Y.Doc()
    doc.getText('t').insert(0, `a${'😀'.repeat(5_000)}`)
    const parts = partsOf(Y.encodeStateAsUpdate(doc), 1_000)
    expect(parts.length).toBeGreaterThan(15)
    expect(applyInOrder(parts).getText('t').toString()).toBe(`a${'😀'.repeat(5_000)}`)
  })

  test('deletions alone can be too many, and are divided', () => {
    const doc = new Y.Doc()
    const text = doc.getText('t')
    text.insert(0, 'x'.repeat(4_000))
    const copy = new Y.Doc()
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
    for (let at = 0; at < 1_500; at++) text.delete(at, 1)
    const parts = partsOf(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(copy)), 500)
    expect(parts.length).toBeGreaterThan(5)
    for (const part of parts) expect(part.byteLength).toBeLessThanOrEqual(500)
    expect(applyInOrder(parts, copy).getText('t').length).toBe(2_500)
  })

  test('one value cannot be divided: it goes alone where it is accepted, and is told otherwise', () => {
    const doc = new Y.Doc()
    doc.getMap('m').set('a', 'x'.repeat(100))
    doc.getMap('m').set('b', 'y'.repeat(5_000))
    doc.getMap('m').set('c', 'z'.repeat(100))
    const update = Y.encodeStateAsUpdate(doc)
    expect(split(update, 1_000, 4_000)).toMatchObject({ kind: 'too-large' })
    const parts = partsOf(update, 1_000, 6_000)
    expect(parts).toHaveLength(3)
    expect(applyInOrder(parts).getMap('m').toJSON()).toEqual(doc.getMap('m').toJSON())
  })

  test('what fits is sent as it is', () => {
    const update = Y.encodeStateAsUpdate(written(3).doc)
    expect(partsOf(update, update.byteLength)).toEqual([update])
  })

  test('an update with gaps in it keeps them', () => {
    const doc = new Y.Doc()
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    for (let count = 0; count < 30; count++) doc.getArray('a').insert(0, ['x'.repeat(100)])
    const gappy = Y.mergeUpdates(updates.filter((_, index) => index % 3 !== 1))
    const parts = partsOf(gappy, 700)
    const copy = new Y.Doc()
    for (const part of parts) Y.applyUpdate(copy, part)
    for (const update of updates) Y.applyUpdate(copy, update)
    expect(copy.getArray('a').toJSON()).toEqual(doc.getArray('a').toJSON())
  })

  test('a long list of values of all sizes is divided, and measured about once', () => {
    const doc = new Y.Doc()
    const sizes = Array.from({ length: 2_000 }, (_, index) => (index % 97 === 0 ? 900 : index % 40))
    doc.getArray('a').insert(
      0,
      sizes.map((size) => 'x'.repeat(size)),
    )
    const update = Y.encodeStateAsUpdate(doc)
    const measured = vi.spyOn(Y.ContentAny.prototype, 'write')
    const parts = partsOf(update, 2_000)
    const written = measured.mock.contexts.length
    measured.mockRestore()
    expect(parts.length).toBeLessThan((3 * update.byteLength) / 2_000)
    expect(written).toBeLessThan(8 * parts.length)
    expect(applyInOrder(parts).getArray('a').toJSON()).toEqual(doc.getArray('a').toJSON())
  })
})
