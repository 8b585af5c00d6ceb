import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { manyHands } from '../../../test/helpers/many-hands.ts'
import { Random } from '../../../test/helpers/random.ts'
import { slicesOf } from './slices.ts'

test('[R6.12] applied slice by slice an update does what it does whole, and nothing is kept aside on the way', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed)
    const docs = manyHands(random, 120)
    const whole = new Y.Doc()
    for (const doc of docs) Y.applyUpdate(whole, Y.encodeStateAsUpdate(doc))
    const update = Y.encodeStateAsUpdate(whole)
    const sliced = new Y.Doc()
    let count = 0
    for (const slice of slicesOf(update, { structs: random.pick([1, 7, 50]), bytes: random.pick([64, 4_096]) })) {
      if (!slice.update) continue
      count++
      Y.applyUpdate(sliced, slice.update)
      expect(sliced.store.pendingStructs, `seed ${seed}`).toBeNull()
      expect(sliced.store.pendingDs, `seed ${seed}`).toBeNull()
    }
    expect(count).toBeGreaterThan(2)
    expect(Y.encodeStateAsUpdate(sliced), `seed ${seed}`).toEqual(update)
    for (const name of ['text', 'list', 'map', 'xml']) {
      expect(JSON.stringify(sliced.get(name)), `seed ${seed}`).toEqual(JSON.stringify(whole.get(name)))
    }
  }
})

test('[R6.12] an update whose predecessors are missing, or that has a gap, ends as it would whole', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed)
    const [one, two] = manyHands(random, 60) as [Y.Doc, Y.Doc]
    const vector = Y.encodeStateVector(one)
    for (let index = 0; index < 20; index++) two.getText('text').insert(random.int(0, two.getText('text').length), 'x')
    const behind = Y.encodeStateAsUpdate(two, vector)
    const first = Y.encodeStateAsUpdate(one)
    // merged with a hole between
    one.getText('text').insert(0, 'between')
    const hole = Y.mergeUpdates([first, Y.encodeStateAsUpdate(two)])
    for (const update of [behind, hole]) {
      const [whole, sliced] = [new Y.Doc(), new Y.Doc()]
      Y.applyUpdate(whole, update)
      for (const slice of slicesOf(update, { structs: 3, bytes: 512 })) {
        if (slice.update) Y.applyUpdate(sliced, slice.update)
      }
      for (const doc of [whole, sliced]) Y.applyUpdate(doc, first)
      expect(Y.encodeStateAsUpdate(sliced), `seed ${seed}`).toEqual(Y.encodeStateAsUpdate(whole))
    }
  }
})

test('an update that ends early is refused at the latest where it ends', () => {
  const [doc] = manyHands(new Random(3), 80) as [Y.Doc]
  const update = Y.encodeStateAsUpdate(doc)
  for (let end = 1; end < update.byteLength; end += 13) {
    expect(() => [...slicesOf(update.subarray(0, end))], `${end} bytes`).toThrow()
  }
})

test('[R6.34] slices that are merged again bring what they were cut from', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed)
    const whole = new Y.Doc()
    for (const doc of manyHands(random, 200)) Y.applyUpdate(whole, Y.encodeStateAsUpdate(doc))
    const slices = [...slicesOf(Y.encodeStateAsUpdate(whole), { structs: random.pick([20, 100]), bytes: 4_096 })]
    const merged = Y.mergeUpdates(slices.flatMap(({ update }) => (update ? [update] : [])))
    const again = new Y.Doc()
    Y.applyUpdate(again, merged)
    expect(again.store.pendingStructs, `seed ${seed}`).toBeNull()
    expect(Y.encodeStateVector(again), `seed ${seed}`).toEqual(Y.encodeStateVector(whole))
  }
})
