import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { pause, until } from '../../../test/helpers/until.ts'
import { LocalServer } from '../sockets/testing.ts'

let server: LocalServer
let port: number
beforeAll(async () => {
  server = await LocalServer.start(await freshDatabase(), {})
  port = Number(new URL(server.sync).port)
})
afterAll(async () => server?.[Symbol.asyncDispose]())

describe('[W6] what a stranger may take of HTTP', () => {
  test.each([
    ['a wrong path', '/nowhere', 'http://localhost'],
    ['a foreign page', '/sync', 'http://evil.example'],
  ])(
    '%s: an upgrade is refused, and its connection is gone though the far end never closes it',
    async (_, path, origin) => {
      const lines = [
        `GET ${path} HTTP/1.1`,
        `Host: 127.0.0.1:${port}`,
        `Origin: ${origin}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      ]
      const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      let answer = ''
      client.on('data', (data) => {
        answer += data
      })
      client.on('error', () => {})
      client.write(`${lines.join('\r\n')}\r\n\r\n`)
      await until('it is answered', () => answer.includes('}'))
      expect(answer).toMatch(/^HTTP\/1\.1 40[34] /)
      // only who writes notices that nobody reads any more
      const isGone = () => {
        if (!client.destroyed) client.write('x')
        return client.destroyed
      }
      await until('nobody is there', isGone, { timeout: 4_000 })
    },
  )

  test.each([
    ['of unknown length', { 'transfer-encoding': 'chunked' }],
    ['too large', { 'content-length': '1000000' }],
  ])('a body %s is refused before it is read', async (_, headers) => {
    const status = await new Promise((resolve, reject) => {
      const call = request({
        port,
        path: '/api/status',
        method: 'POST',
        headers: { ...headers, host: `127.0.0.1:${port}` },
      })
      call.on('response', (response) => {
        resolve(response.statusCode)
        call.destroy()
      })
      call.on('error', reject)
      call.flushHeaders()
    })
    expect(status).toBe(413)
  })

  test('[R5.3] who sends one bad message after another fills no log', async () => {
    using client = await RawClient.open(server.sync, 'plan')
    for (let index = 0; index < 500; index++)
      client.message('plan', (encoder) => encoder.cbuf.set([99], encoder.cpos++))
    await until('all are answered', () => client.said.filter(({ kind }) => kind === 'stateless').length === 500)
    await pause(50)
    const lines = server.log.filter(({ code }) => code === 'message-malformed')
    expect(lines).toHaveLength(5)
    for (const line of lines) expect(JSON.stringify(line).length).toBeLessThan(600)
  })
})
