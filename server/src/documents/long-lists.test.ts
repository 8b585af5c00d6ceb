import * as encoding from 'lib0/encoding'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { spellItem, spellUpdate } from '../../../test/fuzz/grammar/spell.ts'
import { Random } from '../../../test/helpers/random.ts'
import { boundMerging, longestList } from './long-lists.ts'
import { slicesOf } from './slices.ts'

boundMerging()

/** How many clocks each item of a document takes. */
function lengthsIn(document: Y.Doc): number[] {
  return [...document.store.clients.values()].flat().map((struct) => struct.length)
}

function inSlices(update: Uint8Array): Y.Doc {
  const document = new Y.Doc()
  for (const slice of slicesOf(update)) {
    if (slice.update) Y.applyUpdate(document, slice.update)
    expect(document.store.pendingStructs).toBeNull()
  }
  return document
}

const value = (random: Random) =>
  random.pick<unknown>([null, true, 7, -1.5, 'ü', [1, [2]], { a: { b: [] } }, new Uint8Array([1, 2]), 2 ** 40])

describe('[R6.44] a long list is cut into many, and is what it was', () => {
  test('between others, by several people, with parts that are deleted', () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = new Random(seed)
      const [one, two] = [new Y.Doc(), new Y.Doc()]
      const list = (doc: Y.Doc) => doc.getArray<unknown>('list')
      for (let step = 0; step < 5; step++) {
        const doc = random.pick([one, two])
        const length = random.pick([1, longestList - 1, longestList, longestList + 1, 2 * longestList + 7])
        const values = Array.from({ length }, () => value(random))
        list(doc).insert(random.int(0, list(doc).length), values)
        if (random.int(0, 1)) Y.applyUpdate(doc, Y.encodeStateAsUpdate(doc === one ? two : one))
        if (random.int(0, 1)) list(doc).delete(random.int(0, list(doc).length - 1), 1)
      }
      Y.applyUpdate(one, Y.encodeStateAsUpdate(two))
      const update = Y.encodeStateAsUpdate(one)
      const cut = inSlices(update)
      expect(list(cut).toJSON(), `seed ${seed}`).toEqual(list(one).toJSON())
      expect(Y.encodeStateVector(cut), `seed ${seed}`).toEqual(Y.encodeStateVector(one))
      expect(
        Y.equalDeleteSets(Y.createDeleteSetFromStructStore(cut.store), Y.createDeleteSetFromStructStore(one.store)),
        `seed ${seed}`,
      ).toBe(true)
      // what others write into it lands where they put it
      list(one).insert(5, ['behind the fifth'])
      Y.applyUpdate(cut, Y.encodeStateAsUpdate(one, Y.encodeStateVector(cut)))
      expect(list(cut).toJSON(), `seed ${seed}`).toEqual(list(one).toJSON())
    }
  })

  test('of JSON, as old clients write it', () => {
    const content = (encoder: encoding.Encoder) => {
      encoding.writeVarUint(encoder, 10_000)
      for (let index = 0; index < 10_000; index++) encoding.writeVarString(encoder, `{"number":${index}}`)
    }
    const item = spellItem({ info: 2, origin: null, rightOrigin: null, parent: 'list', key: '', content })
    const update = spellUpdate([{ client: 7, clock: 0, count: 1, structs: [item] }], new Map())
    const [whole, cut] = [new Y.Doc(), inSlices(update)]
    Y.applyUpdate(whole, update)
    expect(cut.getArray('list').toJSON()).toEqual(whole.getArray('list').toJSON())
    expect(Math.max(...lengthsIn(whole))).toBe(10_000)
    expect(Math.max(...lengthsIn(cut))).toBe(longestList)
  })

  test('large values make smaller parts', () => {
    const doc = new Y.Doc()
    doc.getArray('list').push(Array.from({ length: 100 }, () => 'x'.repeat(20_000)))
    const sizes = [...slicesOf(Y.encodeStateAsUpdate(doc))].map(({ update }) => update?.byteLength ?? 0)
    expect(sizes.length).toBeGreaterThan(4)
    expect(Math.max(...sizes)).toBeLessThan(300_000)
  })
})

describe('[R6.44] what is put behind one another stays short', () => {
  test('values', () => {
    const doc = new Y.Doc()
    for (let index = 0; index < 3 * longestList; index += 16) doc.getArray('list').push(Array(16).fill(index))
    expect(Math.max(...lengthsIn(doc))).toBe(longestList)
    const again = new Y.Doc()
    Y.applyUpdate(again, Y.encodeStateAsUpdate(doc))
    expect(again.getArray('list').toJSON()).toEqual(doc.getArray('list').toJSON())
    expect(Math.max(...lengthsIn(again))).toBe(longestList)
  })

  test('text', () => {
    const doc = new Y.Doc()
    const text = doc.getText('text')
    for (let index = 0; index < 100; index++) text.insert(text.length, 'some text '.repeat(200))
    expect(lengthsIn(doc).length).toBe(4)
    expect(text.length).toBe(200_000)
  })
})
