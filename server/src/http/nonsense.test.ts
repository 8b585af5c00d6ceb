import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpOptions } from './limits.ts'
import { answerNonsense } from './nonsense.ts'
import { toldUntilGone } from './testing.ts'

let heard = 0
const server = createServer({ ...httpOptions, headersTimeout: 300, connectionsCheckingInterval: 100 })
beforeAll(async () => {
  answerNonsense(server, { heard: () => heard++ })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => server.close())

const send = (text: string) => toldUntilGone((server.address() as AddressInfo).port, text)

test.each([
  ['no HTTP', 'nonsense\r\n\r\n', /^HTTP\/1\.1 400 Bad Request\r\n/],
  ['headers that are too large', `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
  ['headers that never end', 'GET / HTTP/1.1\r\nHost: x\r\n', /^HTTP\/1\.1 408 /],
  ['an odd expectation', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n', /^HTTP\/1\.1 417 /],
  ['a proxy that is none', 'CONNECT example.com:80 HTTP/1.1\r\nHost: x\r\n\r\n', /^$/],
])('[R6.41] [W6] %s is answered, its connection ends, and it counts in the turn', async (_, text, answer) => {
  heard = 0
  expect(await send(text)).toMatch(answer)
  expect(heard).toBe(1)
})

test('[W6] nonsense behind a request does not get into its answer', async () => {
  server.once('request', (_, response) => setTimeout(() => response.end('late'), 50))
  expect(await send('GET / HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n')).toBe('')
})
