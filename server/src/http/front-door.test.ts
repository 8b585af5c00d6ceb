import { Agent, createServer, get, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { pause, until } from '../../../test/helpers/until.ts'
import { Arrivals } from '../fairness/arrivals.ts'
import { Turns } from '../fairness/turns.ts'
import { LocalServer } from '../sockets/testing.ts'
import { frontDoor } from './front-door.ts'
import { httpOptions } from './limits.ts'
import type { Readiness } from './parts.ts'
import { host, makeParts } from './testing.ts'

let server: LocalServer
beforeAll(async () => {
  server = await LocalServer.start(await freshDatabase(), {
    TIDEMARK_LIMIT_REQUESTS_PER_SECOND: '5',
    TIDEMARK_LIMIT_NEW_SOCKETS_PER_SECOND: '2',
    TIDEMARK_TRUSTED_PROXIES: '127.0.0.1',
  })
})
afterAll(async () => server?.[Symbol.asyncDispose]())

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

const ask = (path: string, from: string, options: RequestOptions = {}, url = server.http): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers = { 'X-Forwarded-For': from, ...options.headers }
    get(`${url}${path}`, { ...options, headers }, (response) => {
      let body = ''
      response.on('data', (data) => {
        body += data
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    }).on('error', reject)
  })

const askTogether = (count: number, path: string, from: string) =>
  Promise.all(Array.from({ length: count }, () => ask(path, from)))

describe('[W10] an address that asks too often', () => {
  test('is answered 429 with a code and how long to wait, on connections that end; others are served', async () => {
    const answers = await askTogether(80, '/api/status', '198.51.100.1')
    const refused = answers.filter(({ status }) => status === 429)
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(50)
    expect(refused.length).toBeGreaterThan(10)
    for (const { headers, body } of refused) {
      expect(JSON.parse(body)).toEqual({ error: { code: 'too-many-requests', message: expect.any(String) } })
      expect(headers).toMatchObject({ 'retry-after': '1', connection: 'close', 'cache-control': 'no-store' })
    }
    expect((await ask('/api/status', '198.51.100.2')).status).toBe(200)
    await pause(1_000)
    expect((await ask('/api/status', '198.51.100.1')).status).toBe(200)
  })

  test('it hears of the server’s health all the same: a proxy that hands a flood on must not think that it is ill', async () => {
    await askTogether(70, '/livez', '198.51.100.3')
    for (const path of ['/livez', '/readyz']) {
      const { status, headers } = await ask(path, '198.51.100.3', { agent: new Agent({ keepAlive: true }) })
      expect(status).toBe(200)
      expect(headers.connection, 'the next one costs a connection').toBe('close')
    }
    expect((await ask('/api/status', '198.51.100.3')).status).toBe(429)
  })

  test('its new sockets are refused likewise, before anything else is looked at; another address connects', async () => {
    const from = (address: string, path = '') =>
      new RawClient(`${server.sync}${path}`, { headers: { 'X-Forwarded-For': address } })
    const clients = Array.from({ length: 30 }, () => from('198.51.100.4'))
    try {
      await until('all are decided', () => clients.every(({ refused, socket }) => refused || socket.readyState === 1))
      expect(clients.filter(({ refused }) => refused === null).length).toBeGreaterThanOrEqual(20)
      expect(clients.filter(({ refused }) => refused === 429).length).toBeGreaterThan(5)
      clients.push(await from('198.51.100.5').connected())
      await pause(600)
      clients.push(await from('198.51.100.4').connected())
    } finally {
      for (const client of clients) client[Symbol.dispose]()
    }
    const failures = server.log.map(({ code }) => code)
    expect(failures).toContain('too-many-connections')
    expect(failures).toContain('too-many-requests')
  })
})

test('[W10] connections of an address that is no proxy’s are limited: those over it are cut off, others connect', async () => {
  await using other = await LocalServer.start(await freshDatabase(), { TIDEMARK_LIMIT_REQUESTS_PER_SECOND: '1' })
  const { port } = new URL(other.http)
  const states = await Promise.all(
    Array.from(
      { length: 40 },
      () =>
        new Promise<'served' | 'cut'>((resolve) => {
          const socket = connect({ port: Number(port), host: '127.0.0.1' })
          socket.on('error', () => resolve('cut'))
          socket.on('close', () => resolve('cut'))
          socket.on('data', () => {
            resolve('served')
            socket.destroy()
          })
          socket.write(`GET /livez HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
        }),
    ),
  )
  const served = states.filter((state) => state === 'served').length
  expect(served).toBeGreaterThanOrEqual(20)
  expect(served).toBeLessThan(30)
})

test('[S5] health carries the headers of what is no page; under another name, or with a body, it is refused', async () => {
  const { headers, body } = await ask('/livez', '198.51.100.9')
  expect(JSON.parse(body)).toEqual({ alive: true })
  expect(headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'")
  expect(headers['x-content-type-options']).toBe('nosniff')
  expect(headers['cache-control']).toBe('no-store')
  const evil = await ask('/livez', '198.51.100.9', { headers: { Host: 'evil.example' } })
  expect([evil.status, JSON.parse(evil.body).error.code]).toEqual([421, 'host-not-allowed'])
  expect((await ask('/readyz', '198.51.100.9', { headers: { 'Content-Length': '1000000' } })).status).toBe(413)
})

test('[W2] alive is alive, ready is ready', async () => {
  const state: { now: Readiness } = { now: { ready: true } }
  const parts = makeParts([], { readiness: async () => state.now })
  const limits = { requestsPerSecond: 1_000, newSocketsPerSecond: 1, connections: 10 }
  const arrivals = new Arrivals(limits)
  const door = {
    ...parts,
    arrivals,
    turns: new Turns(),
    connections: { heard() {}, leave() {} },
    addressOf: () => 'a',
    onRefused: () => {},
  }
  const http = createServer(
    httpOptions,
    frontDoor(door, () => expect.unreachable()),
  ).listen(0)
  try {
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    const askFor = (path: string) => ask(path, 'a', { headers: { Host: host } }, url)
    expect((await askFor('/readyz')).status).toBe(200)
    state.now = { ready: false, reasons: ['the database is away'] }
    const { status, body } = await askFor('/readyz')
    expect([status, JSON.parse(body)]).toEqual([503, state.now])
    expect((await askFor('/livez')).status).toBe(200)
  } finally {
    http.close()
  }
})

test('[W2] [W6] HEAD is answered, too, and each question is counted', async () => {
  const { status, body } = await ask('/readyz?from=kubelet', '198.51.100.8', { method: 'HEAD' })
  expect([status, body]).toEqual([200, ''])
  const metrics = await ask('/metrics', '198.51.100.8')
  expect(metrics.body).toMatch(/tidemark_http_requests_total\{method="HEAD",area="health",status="200"\} 1/)
  expect(metrics.body).toMatch(/tidemark_http_requests_total\{method="GET",area="api",status="429"\}/)
})
