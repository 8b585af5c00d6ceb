import { expect, test } from 'vitest'
import { LockTable } from './locks.ts'
import { Thread } from './thread.ts'
import { Timeline } from './timeline.ts'

function aDevice() {
  const timeline = new Timeline()
  const table = new LockTable(timeline)
  const seen: string[] = []
  return {
    timeline,
    seen,
    table,
    tab() {
      const thread = new Thread(timeline)
      const locks = table.forTab(thread)
      const hold = (name: string, options: Parameters<typeof locks.request>[1] = {}, lock = 'l') => {
        const { promise, resolve } = Promise.withResolvers<void>()
        locks
          .request(lock, options, (granted) => {
            seen.push(granted ? `${name} has it` : `${name} does not get it`)
            return granted ? promise : undefined
          })
          .then(
            () => seen.push(`${name} is done`),
            (cause: DOMException) => seen.push(`${name}: ${cause.name}`),
          )
        return resolve
      }
      const end = () => {
        thread.end()
        table.tabEnded(thread)
      }
      return { thread, locks, hold, end }
    },
  }
}

test('[B6] a lock goes from one to the next in the order of asking', async () => {
  const { timeline, seen, tab } = aDevice()
  const release = tab().hold('one')
  tab().hold('two')
  tab().hold('three')
  await timeline.advance(0)
  expect(seen).toEqual(['one has it'])
  release()
  await timeline.advance(0)
  expect(seen).toEqual(['one has it', 'one is done', 'two has it'])
})

test('[B6] ifAvailable answers at once, shared locks are held together and wait their turn', async () => {
  const { timeline, seen, tab } = aDevice()
  const releases = [tab().hold('reader', { mode: 'shared' }), tab().hold('other reader', { mode: 'shared' })]
  await timeline.advance(0)
  tab().hold('writer')
  await timeline.advance(0)
  tab().hold('late reader', { mode: 'shared' })
  tab().hold('hasty', { ifAvailable: true })
  await timeline.advance(0)
  expect(seen).toEqual(['reader has it', 'other reader has it', 'hasty does not get it', 'hasty is done'])
  for (const release of releases) release()
  await timeline.advance(0)
  expect(seen.at(-1)).toBe('writer has it')
})

test('[B6] who is robbed is told, and the robber is ahead of the queue', async () => {
  const { timeline, seen, tab } = aDevice()
  const release = tab().hold('holder')
  tab().hold('waiting')
  await timeline.advance(0)
  const releaseStolen = tab().hold('robber', { steal: true })
  await timeline.advance(0)
  expect(seen).toEqual(['holder has it', 'robber has it', 'holder: AbortError'])
  release()
  await timeline.advance(0)
  expect(seen).toHaveLength(3)
  releaseStolen()
  await timeline.advance(0)
  expect(seen.slice(3)).toEqual(['robber is done', 'waiting has it'])
})

test('[B6] a request can be given up while it waits, not after', async () => {
  const { timeline, seen, tab } = aDevice()
  const release = tab().hold('holder')
  await timeline.advance(0)
  const abort = new AbortController()
  tab().hold('impatient', { signal: abort.signal })
  await timeline.advance(0)
  abort.abort()
  await timeline.advance(0)
  expect(seen).toEqual(['holder has it', 'impatient: AbortError'])
  release()
  const late = new AbortController()
  tab().hold('next', { signal: late.signal })
  await timeline.advance(0)
  late.abort()
  await timeline.advance(0)
  expect(seen.slice(2)).toEqual(['holder is done', 'next has it'])
  tab().hold('early', { signal: AbortSignal.abort() })
  await timeline.advance(0)
  expect(seen.at(-1)).toBe('early: AbortError')
})

test('[B6] the locks of a tab that crashes are free at once; a frozen tab keeps its own, and is given one it waits for', async () => {
  const { timeline, seen, tab, table } = aDevice()
  const [first, second, third] = [tab(), tab(), tab()]
  first.hold('first')
  second.hold('second')
  third.hold('third')
  await timeline.advance(0)
  second.thread.hold('frozen')
  first.end()
  await timeline.advance(0)
  expect(seen).toEqual(['first has it'])
  expect(table.holders('l')).toEqual([second.thread])
  second.thread.release('frozen')
  await timeline.advance(0)
  expect(seen).toEqual(['first has it', 'second has it'])
  second.end()
  await timeline.advance(0)
  expect(seen.at(-1)).toBe('third has it')
  await expect(Promise.all([third.locks.query(), timeline.advance(0)]).then(([{ held }]) => held)).resolves.toEqual([
    { name: 'l' },
  ])
})
