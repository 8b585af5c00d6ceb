import { expect, test } from 'vitest'
import { Thread } from './thread.ts'
import { Timeline } from './timeline.ts'

test('[B6] time moves only when it is told to, from timer to timer, in order', async () => {
  const timeline = new Timeline()
  const seen: string[] = []
  timeline.after(20, () => seen.push(`late at ${timeline.time}`))
  timeline.after(10, () => seen.push(`early at ${timeline.time}`))
  timeline.after(10, () => seen.push('early, too'))
  const cancel = timeline.after(15, () => seen.push('cancelled'))
  cancel()
  await timeline.advance(5)
  expect(seen).toEqual([])
  await timeline.advance(100)
  expect(seen).toEqual(['early at 10', 'early, too', 'late at 20'])
  expect(timeline.time).toBe(105)
})

test('[B6] promises are run to their end between two timers, however long the chain', async () => {
  const timeline = new Timeline()
  const seen: string[] = []
  timeline.after(1, async () => {
    for (let turn = 0; turn < 500; turn++) await Promise.resolve()
    seen.push('end of the chain')
    timeline.after(0, () => seen.push('begun by the chain'))
  })
  timeline.after(2, () => seen.push('next timer'))
  await timeline.advance(2)
  expect(seen).toEqual(['end of the chain', 'begun by the chain', 'next timer'])
})

test('[B6] what comes for a frozen tab waits, in order; what comes for one that is gone is lost', async () => {
  const timeline = new Timeline()
  const thread = new Thread(timeline)
  const clock = thread.clock({ wall: () => timeline.time, random: () => 0 })
  const seen: string[] = []
  clock.after(10, () => {
    seen.push('first')
    thread.run(() => seen.push('third'))
  })
  clock.after(20, () => seen.push('second'))
  const cancelled = clock.after(20, () => seen.push('cancelled while frozen'))
  thread.hold('frozen')
  await timeline.advance(50)
  expect(seen).toEqual([])
  thread.release('frozen')
  cancelled()
  await timeline.advance(0)
  expect(seen).toEqual(['first', 'second', 'third'])
  clock.after(1, () => seen.push('never'))
  thread.end()
  thread.run(() => seen.push('never'))
  await timeline.advance(10)
  expect(seen).toHaveLength(3)
})
