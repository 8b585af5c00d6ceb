import { systemClock } from '@tidemark/shared'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Failure } from '../log.ts'
import { Repeats } from './repeats.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function world() {
  const lines: Failure[] = []
  return { lines, repeats: new Repeats(systemClock, (failure) => lines.push(failure)) }
}

test('[R5.3] of a socket that sends one bad message after another a few lines are written, and how many were left out', () => {
  const { lines, repeats } = world()
  for (let index = 0; index < 1_000; index++) repeats.log({ code: 'message-malformed', session: 'eve', attempt: index })
  repeats.log({ code: 'message-malformed', session: 'ada' })
  repeats.log({ code: 'read-only', session: 'eve' })
  expect(lines.map(({ code, session }) => `${code} ${session}`)).toEqual([
    ...Array(5).fill('message-malformed eve'),
    'message-malformed ada',
    'read-only eve',
  ])
  vi.advanceTimersByTime(10_000)
  expect(lines.at(-1)).toEqual({ code: 'message-malformed', leftOut: 995 })
  repeats.log({ code: 'message-malformed', session: 'eve' })
  expect(lines.at(-1)).toMatchObject({ session: 'eve' })
  repeats.end()
  expect(vi.getTimerCount()).toBe(0)
})

test('[R5.3] also of many sockets, and of what belongs to none', () => {
  const { lines, repeats } = world()
  for (let index = 0; index < 20_000; index++) repeats.log({ code: 'message-malformed', session: `socket ${index}` })
  for (let index = 0; index < 20_000; index++) repeats.log({ code: 'too-many-connections' })
  expect(lines).toHaveLength(400)
  repeats.end()
  expect(lines.slice(400)).toEqual([
    { code: 'message-malformed', leftOut: 19_800 },
    { code: 'too-many-connections', leftOut: 19_800 },
  ])
})
