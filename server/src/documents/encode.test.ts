import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { encodeWhole } from './encode.ts'

function longDocument(): Y.Doc {
  const doc = new Y.Doc()
  doc.getArray('list').push(Array.from({ length: 30_000 }, (_, at) => new Y.Text(`word ${at}`)))
  return doc
}

async function turnsDuring(work: Promise<unknown>, meanwhile: (turn: number) => void = () => {}): Promise<number> {
  let isDone = false
  void work.finally(() => {
    isDone = true
  })
  let turns = 0
  for (; !isDone; turns++) {
    await setImmediate()
    if (!isDone) meanwhile(turns)
  }
  return turns
}

test('[R6.12] while a large document is encoded for a snapshot, others have their turn', async () => {
  const doc = longDocument()
  const work = encodeWhole(doc, (bytes) => bytes)
  expect(await turnsDuring(work)).toBeGreaterThan(2)
  expect(await work).toEqual(Y.encodeStateAsUpdate(doc))
})

test.each([
  { often: 'once', edits: 1 },
  { often: 'all the time', edits: Number.POSITIVE_INFINITY },
])('[R7.13] it is exact when somebody writes meanwhile, $often', async ({ edits }) => {
  const doc = longDocument()
  const work = encodeWhole(doc, (update) => ({ update, now: Y.encodeStateAsUpdate(doc) }))
  await turnsDuring(work, (turn) => {
    if (turn < edits) doc.getText('t').insert(0, `${turn}`)
  })
  const { update, now } = await work
  expect(update).toEqual(now)
})

test('[R7.13] it is exact whenever somebody writes, also between its end and whoever waits for it', async () => {
  for (let hops = 0; hops < 60; hops++) {
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'before')
    const work = encodeWhole(doc, (update) => ({ update, now: Y.encodeStateAsUpdate(doc) }))
    for (let hop = 0; hop < hops; hop++) await null
    doc.getText('t').insert(0, 'meanwhile ')
    const { update, now } = await work
    expect(update, `after ${hops} microtasks`).toEqual(now)
  }
})

test('[R7.13] what waits for its predecessors is in it', async () => {
  const author = new Y.Doc()
  const updates: Uint8Array[] = []
  author.on('update', (update: Uint8Array) => updates.push(update))
  author.getText('t').insert(0, 'first ')
  author.getText('t').insert(6, 'second')
  const doc = new Y.Doc()
  Y.applyUpdate(doc, updates[1] as Uint8Array)
  const copy = new Y.Doc()
  Y.applyUpdate(copy, await encodeWhole(doc, (bytes) => bytes))
  Y.applyUpdate(copy, updates[0] as Uint8Array)
  expect(copy.getText('t').toString()).toBe('first second')
})
