import { closeCode, type TidemarkError } from '@tidemark/shared'
import { describe, expect, test } from 'vitest'
import { FarEnd } from '../test-helpers/far-end.ts'
import { HandClock } from '../test-helpers/hand-clock.ts'
import type { Network } from './network.ts'
import { Socket, type SocketUser } from './socket.ts'

function setUp() {
  const clock = new HandClock()
  const ends: FarEnd[] = []
  const failures: [string, number][] = []
  const healing: string[] = []
  const heard: string[] = []
  let on: Parameters<Network['listen']>[0] = { online() {}, offline() {}, woke() {} }
  const network = {
    mayBeOnline: true,
    isListening: false,
    listen(listeners: typeof on) {
      on = listeners
      network.isListening = true
      return () => {
        network.isListening = false
      }
    },
  }
  let refusedTokens = 0
  const socket = new Socket({
    url: 'ws://host/sync',
    createSocket: () => {
      const end = new FarEnd()
      ends.push(end)
      return end as unknown as WebSocket
    },
    clock,
    retry: { kind: 'steps', delays: [1_000, 3_000, 9_000], jitter: false },
    network,
    heartbeat: { interval: 30_000, misses: 2 },
    onFailure: ({ code }, attempt) => failures.push([code, attempt]),
    onHealing: ({ code }) => healing.push(code),
    onStatus: (status) => heard.push(status),
    onTokenRefused: () => refusedTokens++,
  })
  const user: SocketUser & { probes: number; errors: TidemarkError[] } = {
    probes: 0,
    errors: [],
    opened: () => heard.push('opened'),
    closed: () => heard.push('closed'),
    connectionChanged: () => {},
    failed: (error) => user.errors.push(error),
    probe: () => user.probes++,
  }
  return {
    clock,
    ends,
    failures,
    healing,
    heard,
    network,
    on: () => on,
    socket,
    user,
    refusedTokens: () => refusedTokens,
  }
}

const latest = (ends: FarEnd[]) => ends[ends.length - 1]!

describe('the socket of a client', () => {
  test('connects with its first user, and closes with its last', () => {
    const { ends, heard, socket, user, clock } = setUp()
    expect(ends).toHaveLength(0)
    socket.use(user)
    latest(ends).open()
    expect(heard).toEqual(['connecting', 'connected', 'opened'])
    socket.leave(user)
    expect(latest(ends).readyState).toBe(3)
    expect(socket.status).toBe('disconnected')
    expect(clock.pending).toBe(0)
  })

  test('comes back by its schedule, and begins that anew after a connection that lasted', () => {
    const { ends, failures, clock, socket, user } = setUp()
    socket.use(user)
    for (const delay of [1_000, 3_000, 9_000, 9_000]) {
      latest(ends).break()
      const count = ends.length
      clock.advance(delay - 1)
      expect(ends).toHaveLength(count)
      clock.advance(1)
      expect(ends).toHaveLength(count + 1)
    }
    latest(ends).open()
    clock.advance(5_000)
    latest(ends).break()
    clock.advance(1_000)
    expect(failures).toEqual([
      ['server-unreachable', 1],
      ['server-unreachable', 2],
      ['server-unreachable', 3],
      ['server-unreachable', 4],
      ['connection-lost', 1],
    ])
    expect(ends).toHaveLength(6)
  })

  test('a connection that breaks at once does not reset the schedule', () => {
    const { ends, clock, failures, socket, user } = setUp()
    socket.use(user)
    latest(ends).open()
    latest(ends).break()
    clock.advance(1_000)
    latest(ends).open()
    latest(ends).break()
    clock.advance(1_000)
    expect(ends).toHaveLength(2)
    expect(failures.map(([, attempt]) => attempt)).toEqual([1, 2])
  })

  test('never keeps a frame for later', () => {
    const { ends, clock, socket, user } = setUp()
    const frame = Uint8Array.of(1, 2, 3)
    socket.use(user)
    expect(socket.send(frame)).toBe(false)
    latest(ends).open()
    expect(latest(ends).sent).toEqual([])
    expect(socket.send(frame)).toBe(true)
    latest(ends).break()
    expect(socket.send(frame)).toBe(false)
    clock.advance(1_000)
    latest(ends).open()
    expect(latest(ends).sent).toEqual([])
  })

  test.each([
    [closeCode.serviceRestart, '', 'server-restarting'],
    [closeCode.tryAgainLater, '', 'server-busy'],
    [closeCode.tryAgainLater, 'too-many-connections', 'too-many-connections'],
    [closeCode.reset, 'connection-lost', 'connection-lost'],
    [closeCode.authenticationTimeout, 'Connection Timeout', 'authentication-timeout'],
    [1006, '', 'connection-lost'],
  ])('[H4] closed with %i %j it has failed with %s, and comes back', (code, reason, expected) => {
    const { ends, clock, failures, socket, user } = setUp()
    socket.use(user)
    latest(ends).open()
    latest(ends).break(code, reason)
    expect(failures).toEqual([[expected, 1]])
    clock.advance(1_000)
    expect(ends).toHaveLength(2)
  })

  test('[R6.21] closed because nothing was open on it, it comes back, and nobody is told of a failure', () => {
    const { ends, clock, failures, socket, user } = setUp()
    socket.use(user)
    latest(ends).open()
    latest(ends).break(closeCode.idle, 'connection-idle')
    expect([failures, user.errors]).toEqual([[], []])
    clock.advance(1_000)
    expect(ends).toHaveLength(2)
  })

  test.each(['protocol-unsupported', 'origin-not-allowed', 'message-malformed'])(
    'closed with %s it stays away until a person asks',
    (reason) => {
      const { ends, clock, socket, user } = setUp()
      socket.use(user)
      latest(ends).open()
      latest(ends).break(4403, reason)
      clock.advance(1_000_000)
      expect(ends).toHaveLength(1)
      socket.retryNow()
      expect(ends).toHaveLength(2)
    },
  )

  test.each(['token-invalid', 'token-missing'])(
    '[T1] a token that is not accepted (%s) is replaced at once and nobody is told, the second time it is a person’s affair',
    (reason) => {
      const { ends, clock, failures, healing, socket, user, refusedTokens } = setUp()
      socket.use(user)
      latest(ends).open()
      latest(ends).break(closeCode.unauthorised, reason)
      expect(refusedTokens()).toBe(1)
      expect(healing).toEqual([reason])
      expect(failures).toEqual([])
      expect(user.errors).toEqual([])
      clock.advance(0)
      expect(ends).toHaveLength(2)
      latest(ends).open()
      latest(ends).break(closeCode.unauthorised, reason)
      expect(healing).toHaveLength(1)
      expect(failures).toEqual([[reason, 2]])
      expect(user.errors).toMatchObject([{ code: reason }])
      clock.advance(1_000_000)
      expect(ends).toHaveLength(2)
    },
  )

  test('[T1] a token that has run out is replaced silently each time one was accepted in between', () => {
    const { ends, clock, failures, healing, socket, user } = setUp()
    socket.use(user)
    for (let lifetime = 0; lifetime < 2; lifetime++) {
      latest(ends).open()
      socket.tokenAccepted()
      clock.advance(20_000)
      latest(ends).say(1, 97, 5)
      latest(ends).break(closeCode.tokenExpired, 'token-expired')
      clock.advance(0)
    }
    expect(healing).toEqual(['token-expired', 'token-expired'])
    expect(failures.filter(([code]) => code === 'token-expired')).toEqual([])
    expect(ends).toHaveLength(3)
  })

  test('[H4] no network has a code of its own, and its return is not waited out', () => {
    const { ends, failures, network, on, socket, user } = setUp()
    socket.use(user)
    latest(ends).open()
    network.mayBeOnline = false
    on().offline()
    expect(socket.status).toBe('disconnected')
    expect(failures).toEqual([['network-offline', 1]])
    network.mayBeOnline = true
    on().online()
    expect(ends).toHaveLength(2)
  })

  test('a server that accepts no WebSocket in time is unreachable', () => {
    const { ends, clock, failures, socket, user } = setUp()
    socket.use(user)
    clock.advance(10_000)
    expect(failures).toEqual([['server-unreachable', 1]])
    clock.advance(1_000)
    expect(ends).toHaveLength(2)
  })

  test('a line that is dead without having been closed is noticed by unanswered questions', () => {
    const { ends, clock, failures, socket, user } = setUp()
    socket.use(user)
    latest(ends).open()
    clock.advance(30_000)
    expect(user.probes).toBe(1)
    latest(ends).say(1, 97, 5)
    clock.advance(30_000)
    expect(user.probes).toBe(1)
    clock.advance(30_000)
    clock.advance(30_000)
    expect(user.probes).toBe(3)
    expect(failures).toEqual([])
    clock.advance(30_000)
    expect(failures).toEqual([['heartbeat-missed', 1]])
  })

  test('[D1.4] a device that wakes up asks its line at once, and gives it up when nobody answers within 5 s', () => {
    const { ends, clock, failures, on, socket, user } = setUp()
    socket.use(user)
    latest(ends).open()
    on().woke()
    expect(user.probes).toBe(1)
    latest(ends).say(1, 97, 5)
    clock.advance(20_000)
    expect(failures).toEqual([])
    on().woke()
    clock.advance(5_000)
    expect(failures).toEqual([['heartbeat-missed', 1]])
    clock.advance(1_000)
    latest(ends).open()
    clock.sleep(3_600_000)
    expect(user.probes).toBe(3)
    clock.advance(5_000)
    expect(failures).toHaveLength(2)
  })

  test('a Tidemark server is asked by a ping, and its pong is a sign of life; the next connection begins without that', () => {
    const { ends, clock, failures, socket, user } = setUp()
    socket.use(user)
    latest(ends).open()
    socket.serverIsTidemark()
    for (let minute = 0; minute < 4; minute++) {
      clock.advance(30_000)
      latest(ends).say(10)
      clock.advance(30_000)
    }
    expect(failures).toEqual([])
    expect(user.probes).toBe(0)
    expect(latest(ends).sent).toEqual(Array(4).fill(Uint8Array.of(9)))
    clock.advance(90_000)
    expect(failures).toEqual([['heartbeat-missed', 1]])
    clock.advance(1_000)
    latest(ends).open()
    clock.advance(30_000)
    expect(user.probes).toBe(1)
    expect(latest(ends).sent).toEqual([])
  })

  test('a ping of the server is answered', () => {
    const { ends, socket, user } = setUp()
    socket.use(user)
    latest(ends).open()
    latest(ends).say(9)
    expect(latest(ends).sent).toEqual([Uint8Array.of(10)])
  })

  test('a frame that cannot be read breaks the line instead of the page', () => {
    const { ends, failures, socket, user } = setUp()
    socket.use(user)
    latest(ends).open()
    latest(ends).say(200, 1)
    expect(failures).toEqual([['connection-lost', 1]])
  })

  test('closed for good it leaves nothing behind', () => {
    const { ends, clock, network, socket, user } = setUp()
    socket.use(user)
    latest(ends).open()
    latest(ends).break()
    socket.close()
    expect(clock.pending).toBe(0)
    expect(network.isListening).toBe(false)
    socket.retryNow()
    expect(ends).toHaveLength(1)
  })
})
