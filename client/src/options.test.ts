import { describe, expect, test } from 'vitest'
import { settle, socketUrl } from './options.ts'

describe('the address of the server', () => {
  test.each([
    ['http://127.0.0.1:4321', 'ws://127.0.0.1:4321/sync'],
    ['https://example.org/', 'wss://example.org/sync'],
    ['wss://example.org/team/sync', 'wss://example.org/team/sync'],
    ['ws://[::1]:9/sync#x', 'ws://[::1]:9/sync'],
  ])('%s is %s', (given, url) => {
    expect(socketUrl(given)).toBe(url)
  })

  test.each(['', '/sync', 'ftp://example.org', 'example.org:80'])('%j is refused', (url) => {
    expect(() => socketUrl(url)).toThrow(expect.objectContaining({ code: 'configuration-invalid' }))
  })

  test('[T3] a password in it is refused, and not repeated', () => {
    expect(() => socketUrl('wss://me:hush@example.org')).toThrow(/^(?!.*hush)/)
  })
})

test('[H8] the send window is at most 500 ms', () => {
  const url = 'ws://h/sync'
  expect(settle({ url }).sendWindow).toBe(20)
  expect(settle({ url, sendWindow: 500 }).sendWindow).toBe(500)
  for (const sendWindow of [501, -1, Number.NaN]) {
    expect(() => settle({ url, sendWindow })).toThrow(expect.objectContaining({ code: 'configuration-invalid' }))
  }
})

describe('[W5] times', () => {
  const url = 'ws://h/sync'
  const exponential = { kind: 'exponential', first: 1, factor: 2, max: 10, jitter: true } as const

  test('Infinity is one: for ever', () => {
    const forever = Number.POSITIVE_INFINITY
    expect(settle({ url, longOffline: forever, heartbeat: { interval: forever, misses: 2 } })).toMatchObject({
      longOffline: forever,
    })
  })

  test.each([-1, Number.NaN, Number.NEGATIVE_INFINITY, '5' as unknown as number])(
    '%s is none, wherever it stands',
    (wrong) => {
      for (const options of [
        { longOffline: wrong },
        { openTimeLimit: wrong },
        { attemptsBeforeFailed: wrong },
        { heartbeat: { interval: wrong, misses: 2 } },
        { heartbeat: { interval: 1, misses: wrong } },
        { cache: { maxAge: wrong } },
        { cache: { maxBytes: wrong } },
        { retry: { ...exponential, first: wrong } },
        { retry: { ...exponential, factor: wrong } },
        { retry: { ...exponential, max: wrong } },
        { retry: { kind: 'steps', delays: [1, wrong], jitter: false } as const },
      ]) {
        expect(() => settle({ url, ...options })).toThrow(expect.objectContaining({ code: 'configuration-invalid' }))
      }
    },
  )
})
