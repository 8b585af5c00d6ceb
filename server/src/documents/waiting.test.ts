import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { spellUpdate } from '../../../test/fuzz/grammar/spell.ts'
import { manyHands } from '../../../test/helpers/many-hands.ts'
import { Random } from '../../../test/helpers/random.ts'
import { slicesOf } from './slices.ts'
import { WaitingReading, waitsTooMuch } from './waiting.ts'

const limit = 10_000

function waitsIn(document: Y.Doc, update: Uint8Array): boolean {
  const { structs, ds } = Y.decodeUpdate(update)
  return waitsTooMuch(document, update, { structs, deletions: ds }, limit) !== null
}

/** A text of one person in parts, each of which stands on the one before. */
function parts(...lengths: number[]): Uint8Array[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const length of lengths) doc.getText('text').insert(doc.getText('text').length, 'x'.repeat(length))
  return updates
}

const deletions = (count: number): Uint8Array =>
  spellUpdate([], new Map([[77, Array.from({ length: count }, (_, index) => ({ clock: 2 * index, length: 1 }))]]))

describe('[R6.32] what waits for others is bounded', () => {
  test('what is there applies, however large', () => {
    const document = new Y.Doc()
    for (const part of parts(5, 100_000, 100_000)) {
      expect(waitsIn(document, part)).toBe(false)
      Y.applyUpdate(document, part)
    }
    const all = Y.mergeUpdates(parts(5, 100_000, 100_000))
    expect(waitsIn(new Y.Doc(), all)).toBe(false)
  })

  test('letters of two people who wrote in turn do not wait for each other', () => {
    const people = [new Y.Doc(), new Y.Doc()] as const
    for (let letter = 0; letter < 1_000; letter++) {
      const [writer, reader] = letter % 2 ? people : [people[1], people[0]]
      writer.getText('text').insert(letter, 'x')
      Y.applyUpdate(reader, Y.encodeStateAsUpdate(writer, Y.encodeStateVector(reader)))
    }
    const all = Y.encodeStateAsUpdate(people[0])
    expect(waitsIn(new Y.Doc(), all)).toBe(false)
    // without the first letter all of them do
    const without = Y.encodeStateAsUpdate(people[0], Y.encodeStateVector(new Map([[people[1].clientID, 1]])))
    expect(waitsIn(new Y.Doc(), without)).toBe(true)
  })

  test('what counts as waiting is what Yjs keeps aside, of any update in any parts', () => {
    let waited = 0
    for (let seed = 1; seed <= 150; seed++) {
      const random = new Random(seed)
      const docs = manyHands(random, 80)
      const document = new Y.Doc()
      Y.applyUpdate(document, Y.encodeStateAsUpdate(random.pick(docs)))
      const whole = new Y.Doc()
      for (const doc of docs) Y.applyUpdate(whole, Y.encodeStateAsUpdate(doc))
      // somebody asks for more than they lack
      const vector = Y.decodeStateVector(Y.encodeStateVector(document))
      for (const doc of docs) {
        const { clientID } = doc
        if (random.int(0, 1)) vector.set(clientID, (vector.get(clientID) ?? 0) + random.int(0, 30))
      }
      const update = Y.encodeStateAsUpdate(whole, Y.encodeStateVector(vector))
      const reading = new WaitingReading(document)
      for (const slice of slicesOf(update, { structs: random.pick([3, 20, 2_000]), bytes: 4_096 })) {
        if (slice.update) reading.add(slice, Y.decodeUpdate(slice.update))
      }
      Y.applyUpdate(document, update)
      const { pendingStructs, pendingDs } = document.store
      expect(reading.bytes > 0, `seed ${seed}`).toBe(pendingStructs !== null || pendingDs !== null)
      if (reading.bytes > 0) waited++
    }
    expect(waited).toBeGreaterThan(20)
    expect(waited).toBeLessThan(140)
  })

  test('a little may wait, together no more than the limit', () => {
    const document = new Y.Doc()
    for (let waiting = 0; waiting < 3; waiting++) {
      const [, late] = parts(5, 3_000) as [Uint8Array, Uint8Array]
      expect(waitsIn(document, late)).toBe(false)
      Y.applyUpdate(document, late)
    }
    const [first, late] = parts(5, 3_000) as [Uint8Array, Uint8Array]
    expect(waitsIn(document, late)).toBe(true)
    // what it stands on is let in, and then it is, too
    expect(waitsIn(document, first)).toBe(false)
    Y.applyUpdate(document, first)
    expect(waitsIn(document, late)).toBe(false)
  })

  test('too much at once, whatever it waits for', () => {
    const [, late] = parts(5, 20_000) as [Uint8Array, Uint8Array]
    expect(waitsIn(new Y.Doc(), late)).toBe(true)
    const [first, , last] = parts(5, 5, 20_000) as [Uint8Array, Uint8Array, Uint8Array]
    expect(waitsIn(new Y.Doc(), Y.mergeUpdates([first, last]))).toBe(true)
  })

  test('deletions of what is not there weigh more than their bytes', () => {
    expect(waitsIn(new Y.Doc(), deletions(100))).toBe(false)
    expect(waitsIn(new Y.Doc(), deletions(1_000))).toBe(true)
    const document = new Y.Doc()
    for (let tries = 0; tries < 20 && !waitsIn(document, deletions(130)); tries++) {
      Y.applyUpdate(
        document,
        spellUpdate([], new Map([[tries, [...Array(130)].map((_, index) => ({ clock: 2 * index, length: 1 }))]])),
      )
    }
    expect(waitsIn(document, deletions(130))).toBe(true)
  })

  test('deletions of what is there do not wait', () => {
    const document = new Y.Doc()
    document.getArray('list').push(Array.from({ length: 5_000 }, (_, index) => index))
    const other = new Y.Doc()
    Y.applyUpdate(other, Y.encodeStateAsUpdate(document))
    const before = Y.encodeStateVector(other)
    other.transact(() => {
      for (let at = 2_000; at > 0; at -= 2) other.getArray('list').delete(at)
    })
    expect(waitsIn(document, Y.encodeStateAsUpdate(other, before))).toBe(false)
  })

  test('a large document may come with a little that waits', () => {
    const [, late] = parts(5, 3_000) as [Uint8Array, Uint8Array]
    const all = Y.mergeUpdates([...parts(5, 100_000, 100_000), late])
    expect(waitsIn(new Y.Doc(), all)).toBe(false)
    const [, tooMuch] = parts(5, 11_000) as [Uint8Array, Uint8Array]
    expect(waitsIn(new Y.Doc(), Y.mergeUpdates([...parts(5, 100_000, 100_000), tooMuch]))).toBe(true)
  })

  test('what waits already does not count again, whoever brings it; what builds on it does', () => {
    const document = new Y.Doc()
    const [, second, third] = parts(5, 6_000, 6_000) as [Uint8Array, Uint8Array, Uint8Array]
    Y.applyUpdate(document, second)
    Y.applyUpdate(document, deletions(30))
    const replica = new Y.Doc()
    Y.applyUpdate(replica, second)
    Y.applyUpdate(replica, deletions(30))
    replica.getText('text').insert(0, 'something honest')
    expect(waitsIn(document, Y.encodeStateAsUpdate(replica))).toBe(false)
    expect(waitsIn(document, Y.mergeUpdates([second, third]))).toBe(true)
    expect(waitsIn(document, deletions(100))).toBe(true)
  })

  test('what costs more than its bytes weighs more: many structs, and documents above all', () => {
    const author = new Y.Doc()
    author.getArray('list').push(['first'])
    const without = Y.encodeStateVector(author)
    for (let index = 0; index < 400; index++) author.getArray('list').insert(0, [index])
    const many = Y.encodeStateAsUpdate(author, without)
    expect(many.byteLength).toBeLessThan(limit / 2)
    expect(waitsIn(new Y.Doc(), many)).toBe(true)
    const other = new Y.Doc()
    other.getArray('list').push(['first'])
    const before = Y.encodeStateVector(other)
    other.getArray('list').push(Array.from({ length: 12 }, () => new Y.Doc({ guid: 'x' })))
    const documents = Y.encodeStateAsUpdate(other, before)
    expect(waitsIn(new Y.Doc(), documents)).toBe(false)
    const document = new Y.Doc()
    Y.applyUpdate(document, documents)
    other.getArray('list').push(Array.from({ length: 12 }, () => new Y.Doc({ guid: 'x' })))
    expect(waitsIn(document, Y.encodeStateAsUpdate(other, before)), 'as Yjs keeps them, they weigh as much').toBe(true)
  })
})
