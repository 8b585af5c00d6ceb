import { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { pause, until } from '../../../test/helpers/until.ts'
import { LocalServer } from '../sockets/testing.ts'
import { toldUntilGone } from './testing.ts'

let server: LocalServer
let port: number
beforeAll(async () => {
  server = await LocalServer.start(await freshDatabase(), {})
  port = Number(new URL(server.sync).port)
})
afterAll(async () => server?.[Symbol.asyncDispose]())
afterEach(() => vi.restoreAllMocks())

const asking = (line: string, headers = '') => `${line} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${headers}\r\n`

/** What a client is told that sends all of this at once, and what the server has parsed of it. */
async function send(text: string) {
  const parsed = vi.spyOn(IncomingMessage.prototype, 'push')
  const told = await toldUntilGone(port, text)
  const statuses = [...told.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
  return { statuses, told, parsed: parsed.mock.calls.filter(([chunk]) => chunk !== null).length }
}

describe('[W11] what comes in one packet is not parsed for one client alone', () => {
  test('who sends a thousand requests and waits for no answer is answered a few at most, and the connection is gone', async () => {
    const { statuses } = await send(asking('GET /livez').repeat(1_000))
    expect(statuses.length).toBeLessThanOrEqual(5)
  })

  test('requests that Node itself refuses count as well', async () => {
    const { statuses } = await send('GET /livez HTTP/1.1\r\nExpect: miracles\r\nHost: x\r\n\r\n'.repeat(1_000))
    expect(statuses.length).toBeLessThanOrEqual(5)
  })

  test('whoever waits for each answer may ask on', async () => {
    const client = connect({ port, host: '127.0.0.1' })
    let answers = 0
    client.on('data', (data) => {
      answers += String(data).split('HTTP/1.1 200').length - 1
      if (answers < 30) client.write(asking('GET /livez'))
    })
    client.write(asking('GET /livez').repeat(2))
    await until('all are answered', () => answers >= 30)
    client.destroy()
  })

  test('a body in chunks is refused, and none of its chunks is looked at', async () => {
    const { statuses, told, parsed } = await send(
      asking('POST /api/status', 'Transfer-Encoding: chunked\r\n') + '1\r\nx\r\n'.repeat(5_000),
    )
    expect(statuses).toEqual([413])
    expect(told).toMatch(/message-too-large/)
    expect(parsed).toBe(0)
  })

  test('what is refused is counted, and its reason is logged', async () => {
    await send(asking('GET /livez').repeat(100))
    await pause(10)
    expect(server.log.map(({ code }) => code)).toContain('too-many-requests')
    const metrics = await (await fetch(`${server.http}/metrics`)).text()
    expect(metrics).toMatch(/tidemark_http_requests_total\{method="GET",area="health",status="429"\}/)
    expect(metrics).toMatch(/tidemark_http_requests_total\{method="POST",area="api",status="413"\}/)
  })
})
