import { setImmediate } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { collectGarbage } from '../../../test/helpers/garbage.ts'
import { contents, everySecond, manyClients, manyStructs, manyValues } from '../../../test/helpers/many-structs.ts'
import { NeedReading, weighing, weightOf } from './weight.ts'

const count = 20_000
const client = 4_000_000_000
const range = (each: (index: number) => unknown) => Array.from({ length: count }, (_, index) => each(index))

/** Longer ones are not on the heap. */
const texts = (text: string) => Array.from({ length: 10 }, (_, index) => `${index}${text}`)

const letters = (): Uint8Array => {
  const doc = new Y.Doc()
  doc.clientID = client
  doc.getText('t').insert(0, 'xy'.repeat(count))
  return Y.encodeStateAsUpdate(doc)
}

const cases: { what: string; updates: () => Uint8Array[] }[] = [
  ...(Object.keys(contents) as (keyof typeof contents)[]).map((content) => ({
    what: `structs: ${content}`,
    updates: () => [manyStructs(content, { client, count })],
  })),
  { what: 'a client and a type each', updates: () => [manyClients(count)] },
  { what: 'long texts', updates: () => [manyValues(client, texts('x'.repeat(200_000)))] },
  { what: 'a text of letters of two bytes', updates: () => [manyValues(client, texts('й'.repeat(100_000)))] },
  { what: 'a text that is cut into pieces', updates: () => [letters(), everySecond(client, { from: 0, count })] },
  {
    what: 'values: empty objects',
    updates: () => [
      manyValues(
        client,
        range(() => ({})),
      ),
    ],
  },
  {
    what: 'values: keys that nothing else has',
    updates: () => [
      manyValues(
        client,
        range((index) => ({ [`k${index}`]: 1 })),
      ),
    ],
  },
  {
    what: 'values: one object of many keys',
    updates: () => [
      manyValues(client, [Object.fromEntries(range((index) => [`k${index}`, index]) as [string, unknown][])]),
    ],
  },
  {
    what: 'values: arrays in arrays',
    updates: () => [
      manyValues(
        client,
        range(() => [[]]),
      ),
    ],
  },
  {
    what: 'values: arrays of one',
    updates: () => [
      manyValues(
        client,
        range(() => [1]),
      ),
    ],
  },
  {
    what: 'values: no bytes',
    updates: () => [
      manyValues(
        client,
        range(() => new Uint8Array()),
      ),
    ],
  },
  {
    what: 'values: fractions',
    updates: () => [
      manyValues(
        client,
        range((index) => index + 0.1),
      ),
    ],
  },
  {
    what: 'values: words',
    updates: () => [
      manyValues(
        client,
        range((index) => `word ${index}`),
      ),
    ],
  },
]

const used = async () => {
  for (let times = 0; times < 3; times++) {
    await setImmediate()
    collectGarbage()
  }
  return getHeapStatistics().used_heap_size
}

/** What is thought that a document takes, by what it takes. */
async function ratioOf(updates: readonly Uint8Array[]): Promise<number> {
  const doc = new Y.Doc()
  const before = await used()
  for (const update of updates) Y.applyUpdate(doc, update)
  const taken = (await used()) - before
  const { heap } = weightOf(doc)
  // whoever holds it a little longer is not to make the next one look smaller
  doc.store.clients.clear()
  doc.share.clear()
  return taken > count ? heap / taken : 0
}

describe('[R6.55] what a document takes of the heap', () => {
  test.each(cases)('is known, and not less than it takes: $what', async ({ updates }) => {
    const made = updates()
    let ratio = 0
    // what others give back meanwhile goes into a measurement, and not into each of them
    for (let times = 0; times < 5 && !(ratio > 0.98 && ratio < 6); times++) ratio = await ratioOf(made)
    expect(ratio).toBeGreaterThan(0.98)
    expect(ratio).toBeLessThan(6)
  })

  test.each(cases)('is known before it is there: $what', ({ updates }) => {
    const doc = new Y.Doc()
    let needed = 0
    for (const update of updates()) {
      const need = new NeedReading(doc)
      need.add(Y.decodeUpdate(update))
      needed += need.heap
      Y.applyUpdate(doc, update)
    }
    expect(needed / weightOf(doc).heap).toBeGreaterThan(0.95)
    expect(needed / weightOf(doc).heap).toBeLessThan(2)
  })

  test('what it has already it does not need again', () => {
    const doc = new Y.Doc()
    const update = manyStructs('letter', { client, count: 100 })
    Y.applyUpdate(doc, update)
    const need = new NeedReading(doc)
    need.add(Y.decodeUpdate(update))
    expect(need.heap).toBe(0)
  })
})

test('[R6.57] a document is weighed in small portions, whatever it holds, and right although it changes meanwhile', () => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, manyStructs('letter', { client, count: 50_000 }))
  Y.applyUpdate(
    doc,
    manyValues(
      7,
      Array.from({ length: 50_000 }, () => null),
    ),
  )
  const all = weightOf(doc).bytes
  const walk = weighing(doc)
  let portions = 0
  let weight: number | null = null
  while (weight === null) {
    const step = walk.next()
    if (step.done) weight = step.value.bytes
    // what has been weighed becomes one struct: what comes behind it stands at other places now
    else if (++portions === 5) Y.applyUpdate(doc, Y.encodeStateAsUpdate(withoutFirst(doc, 2_000)))
  }
  expect(portions).toBeGreaterThanOrEqual(48)
  expect(weight / all).toBeGreaterThan(0.99)
  expect(weight / all).toBeLessThan(1.01)
})

/** The same document after somebody deleted the first letters of the client. */
function withoutFirst(doc: Y.Doc, count: number): Y.Doc {
  const other = new Y.Doc()
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
  const text = other.getText(`of ${client}`)
  text.delete(text.length - count, count)
  return other
}
