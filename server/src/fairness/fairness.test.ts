import { systemClock } from '@tidemark/shared'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Reading } from '../sockets/reading.ts'
import type { Consumer } from './consumer.ts'
import { Fairness } from './fairness.ts'
import type { Share } from './share.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount(), 'timers that outlive their sockets').toBe(0)
  vi.useRealTimers()
})

const limits = {
  socketsPerAddress: 4,
  socketsPerUser: 3,
  sessionsPerUser: 5,
  messagesPerSecond: 100,
  bytesPerSecond: 100_000,
  queuedBytes: 80_000,
}

function world(knowsUsers = true) {
  const queued = { bytes: 50_000 }
  const fairness = new Fairness(limits, knowsUsers, systemClock, () => queued.bytes)
  const connect = (address: string) => {
    const reading = new Reading(() => {})
    const consumer = fairness.consumer(address, reading)
    Object.defineProperty(consumer, 'isPaused', { get: () => reading.isPaused })
    return consumer as Consumer & { readonly isPaused: boolean }
  }
  const user = (name: string) => fairness.userOf(name) as Share
  return { fairness, connect, user, queued }
}

describe('[R6.22] somebody floods', () => {
  test('they are read as fast as their user may send, on all their sockets; others as before', () => {
    const { connect, user } = world()
    const [one, two, other] = [connect('a'), connect('b'), connect('c')]
    one.join(user('eve'))
    two.join(user('eve'))
    other.join(user('ada'))
    for (let sent = 0; sent < 1_200; sent++) one.read(10)
    expect(one.isPaused, 'more than ten seconds allow').toBe(true)
    for (let sent = 0; sent < 64; sent++) two.read(10)
    expect(two.isPaused).toBe(true)
    for (let sent = 0; sent < 500; sent++) other.read(10)
    expect(other.isPaused).toBe(false)
    let read = 0
    for (let second = 0; second < 60; second++) {
      for (; !one.isPaused; read++) one.read(10)
      vi.advanceTimersByTime(1_000)
    }
    expect(read).toBeGreaterThan(100 * 55)
    expect(read).toBeLessThan(100 * 65)
    for (const each of [one, two, other]) each.close()
  })

  test('what is owed is not forgiven by connecting again; bytes count as well as messages', () => {
    const { connect, user } = world()
    const first = connect('a')
    first.join(user('eve'))
    first.read(1_500_000)
    expect(first.isPaused).toBe(true)
    first.close()
    const second = connect('a')
    second.join(user('eve'))
    second.read(70_000)
    expect(second.isPaused).toBe(true)
    second.close()
  })

  test('an honest paste of all that ten seconds allow, and a pause, cost nothing', () => {
    const { connect, user } = world()
    const honest = connect('a')
    honest.join(user('ada'))
    for (let time = 0; time < 5; time++) {
      honest.read(900_000)
      expect(honest.isPaused).toBe(false)
      vi.advanceTimersByTime(10_000)
    }
    honest.close()
  })

  test('on an open server an address may send ten times as much', () => {
    const { connect } = world(false)
    const open = connect('a')
    for (let sent = 0; sent < 9_000; sent++) open.read(10)
    expect(open.isPaused).toBe(false)
    for (let sent = 0; sent < 2_000; sent++) open.read(10)
    expect(open.isPaused).toBe(true)
    open.close()
  })
})

describe('[R6.22] the queue for the database is filled', () => {
  test('by one socket: it alone waits, until its part is stored', () => {
    const { fairness, connect } = world(false)
    const [eve, ada] = [connect('a'), connect('a')]
    eve.queue(11_000)
    ada.queue(1_000)
    expect([eve.isPaused, ada.isPaused]).toEqual([true, false])
    eve.queue(-2_000)
    fairness.stored()
    expect(eve.isPaused).toBe(false)
    for (const each of [eve, ada]) each.close()
  })

  test('by several sockets of one user: they wait, others do not', () => {
    const { fairness, connect, user } = world()
    const sockets = [connect('a'), connect('b'), connect('c')] as const
    const ada = connect('a')
    for (const each of sockets) each.join(user('eve'))
    ada.join(user('ada'))
    for (const each of sockets) each.queue(6_000)
    expect(sockets.map(({ isPaused }) => isPaused)).toEqual([false, false, false])
    for (const each of sockets) each.queue(2_000)
    ada.queue(3_000)
    expect(sockets.map(({ isPaused }) => isPaused)).toEqual([false, true, true])
    expect(ada.isPaused).toBe(false)
    sockets[0].close()
    fairness.stored()
    expect(sockets[1].isPaused, 'what waited of the other socket is not theirs any more').toBe(false)
    for (const each of [sockets[1], sockets[2], ada]) each.close()
  })

  test('[R6.18] while there is room for all, nobody is held up for what waits of one document alone', () => {
    const { fairness, connect, queued } = world()
    const eve = connect('a')
    queued.bytes = 30_000
    eve.queue(20_000)
    expect(eve.isPaused).toBe(false)
    queued.bytes = 50_000
    eve.queue(1)
    expect(eve.isPaused).toBe(true)
    queued.bytes = 30_000
    fairness.stored()
    expect(eve.isPaused, 'though nothing of theirs was stored').toBe(false)
    eve.close()
  })

  test('whoever leaves and comes back takes along what waits of them, and nothing drifts', () => {
    const { connect, user } = world()
    const eve = connect('a')
    eve.queue(5_000)
    eve.join(user('eve'))
    eve.leave(user('eve'))
    eve.join(user('eve'))
    eve.queue(-5_000)
    eve.close()
    const again = connect('a')
    again.join(user('eve'))
    again.queue(9_000)
    expect(again.isPaused).toBe(false)
    again.close()
  })
})

describe('[R6.22] sockets and sessions', () => {
  test('of an address, of a user, and of a user’s documents there are so many', () => {
    const { fairness, connect, user } = world()
    const sockets = [connect('a'), connect('a'), connect('a'), connect('a')]
    expect([fairness.hasRoom('a'), fairness.hasRoom('b')]).toEqual([false, true])
    expect(sockets.map((socket) => socket.join(user('eve')))).toEqual([null, null, null, 'too-many-connections'])
    expect([sockets[0]?.join(user('eve')), sockets[0]?.join(user('eve'))]).toEqual([null, null])
    expect(sockets[0]?.join(user('eve'))).toBe('too-many-documents')
    for (const socket of sockets) socket.close()
    expect(fairness.hasRoom('a')).toBe(true)
    const next = connect('a')
    expect(next.join(user('eve'))).toBeNull()
    next.close()
  })
})
