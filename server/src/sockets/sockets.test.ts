import { EventEmitter } from 'node:events'
import { systemClock } from '@tidemark/shared'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Gate } from './gate.ts'
import { Reading } from './reading.ts'
import { type ServedSocket, Sockets } from './sockets.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function world() {
  const sockets = new Sockets({ sockets: 3, unauthenticatedSockets: 3, authenticationMs: 10_000 }, systemClock)
  const join = () => {
    const closes: string[] = []
    const gate = { close: (code: number, reason: string) => closes.push(`${code} ${reason}`) } as unknown as Gate
    Object.assign(gate, { reading: new Reading(() => {}) })
    const webSocket = Object.assign(new EventEmitter(), { ping: () => closes.push('ping'), terminate: () => {} })
    sockets.add(Object.assign(webSocket, { readyState: 1, OPEN: 1 }) as unknown as ServedSocket, gate)
    return { gate, closes, leave: () => sockets.remove(webSocket as unknown as ServedSocket) }
  }
  return { sockets, join }
}

test('[R6.4] [R6.21] a stranger has 10 s; who was signed in has an hour for the next document, again and again', () => {
  const { sockets, join } = world()
  const stranger = join()
  const known = join()
  const third = join()
  expect([sockets.unauthenticated, sockets.hasRoom]).toEqual([3, false])
  third.leave()
  known.gate.authenticationChanged(true)
  expect([sockets.unauthenticated, sockets.hasRoom]).toEqual([1, true])
  vi.advanceTimersByTime(10_000)
  expect(stranger.closes).toEqual(['4408 authentication-timeout'])
  for (let time = 0; time < 3; time++) {
    known.gate.authenticationChanged(false)
    vi.advanceTimersByTime(59 * 60_000)
    known.gate.authenticationChanged(true)
    vi.advanceTimersByTime(60 * 60_000)
  }
  expect(known.closes.filter((what) => what !== 'ping')).toEqual([])
  known.gate.authenticationChanged(false)
  expect(sockets.unauthenticated, 'it is no stranger').toBe(0)
  vi.advanceTimersByTime(60 * 60_000)
  expect(known.closes.filter((what) => what !== 'ping')).toEqual(['1000 connection-idle'])
  stranger.leave()
  known.leave()
  known.gate.authenticationChanged(false)
  expect(sockets.unauthenticated).toBe(0)
})

test('[R6.21] idle ones make room for others, the one that has been so for longest first', () => {
  const { sockets, join } = world()
  const idle = [join(), join(), join()]
  for (const { gate } of idle) gate.authenticationChanged(true)
  expect(sockets.hasRoom).toBe(false)
  for (const { gate } of idle.slice(0, 2).reverse()) gate.authenticationChanged(false)
  expect(sockets.hasRoom).toBe(true)
  const newcomer = join()
  expect(idle.map(({ closes }) => closes)).toEqual([[], ['1000 connection-idle'], []])
  for (const { leave } of [...idle, newcomer]) leave()
})

test('[V3] a socket that is not read is not taken for dead, whatever the others are', async () => {
  const { sockets, join } = world()
  const [paused, read] = [join(), join()]
  for (const { gate } of [paused, read]) gate.authenticationChanged(true)
  paused.gate.reading.set('early', true)
  vi.advanceTimersByTime(60_000)
  expect([paused.closes, read.closes]).toEqual([[], ['ping', 'ping']])
  for (const { leave } of [paused, read]) leave()
  await sockets.close(0)
  expect(vi.getTimerCount()).toBe(0)
})
