import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { conflicts } from '../../../test/bench/attacks/updates.ts'
import { applyInTurns } from './apply-in-turns.ts'

async function apply(document: Y.Doc, update: Uint8Array): Promise<Uint8Array | null> {
  const applied = await applyInTurns(document, update, { origin: 'somebody', isWanted: () => true })
  if (applied.kind !== 'applied') throw new Error(applied.kind)
  return applied.update
}

// a slow machine: each look at the clock finds that 3 ms have passed, however fast this one is
beforeEach(() => {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 3))
})
afterEach(async () => {
  // the turn ends that began by this clock
  await setImmediate()
  vi.restoreAllMocks()
})

test('[R6.34] others have their turn while conflicts are resolved, and nobody hears of a part', async () => {
  const document = new Y.Doc()
  let heard = 0
  document.on('update', () => heard++)
  let isDone = false
  let turns = 0
  let longest = 0
  const others = (async () => {
    for (let before = document.store.clients.size; !isDone; before = document.store.clients.size) {
      await setImmediate()
      turns++
      longest = Math.max(longest, document.store.clients.size - before)
    }
  })()
  const applied = await apply(document, conflicts(6_000))
  isDone = true
  await others
  expect(document.getText('conflicts').length).toBe(6_000)
  expect(heard).toBe(0)
  expect(turns).toBeGreaterThan(3)
  expect(longest, 'in one turn').toBeLessThan(6_000 / 2)
  const copy = new Y.Doc()
  Y.applyUpdate(copy, applied as Uint8Array)
  expect(copy.getText('conflicts').length).toBe(6_000)
  document.getText('text').insert(0, 'y')
  expect(heard, 'of what comes afterwards they do').toBe(1)
})

test('[R6.34] what it brought is told as one update: as it came, merged, or not at all', async () => {
  const author = new Y.Doc()
  for (let index = 0; index < 3_000; index++) author.getText('text').insert(0, 'word ')
  const document = new Y.Doc()
  const all = Y.encodeStateAsUpdate(author)
  const first = await apply(document, all)
  expect(first?.byteLength).toBeLessThanOrEqual(all.byteLength)
  author.getText('text').insert(0, 'one more')
  const second = await apply(document, Y.encodeStateAsUpdate(author))
  expect(second?.byteLength, 'only what is new').toBeLessThan(100)
  expect(await apply(document, Y.encodeStateAsUpdate(author))).toBe(null)
})

test('[R6.34] one whose document has left is ended', async () => {
  const document = new Y.Doc()
  const applied = await applyInTurns(document, conflicts(3_000), { origin: 'somebody', isWanted: () => false })
  expect(applied.kind).toBe('ended')
  expect(document.store.clients.size).toBeLessThan(3_000)
})
