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
