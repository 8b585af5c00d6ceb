import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageType, syncType } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { pause, until } from '../../../test/helpers/until.ts'
import { readEdits, Writer } from '../../../test/helpers/writer.ts'
import { LocalServer } from './testing.ts'

const keySetTakes = 800

/** A key set that takes its time, and has no key: every token is refused then. */
async function slowKeySet(): Promise<{ url: string; server: Server }> {
  const server = createServer((_request, response) => {
    setTimeout(() => response.end('{"keys":[]}'), keySetTakes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`, server }
}

const jwt = `${btoa('{"alg":"RS256","kid":"1"}')}.${btoa('{"sub":"a"}')}.AAAA`.replaceAll('=', '')

describe('[R6.21] before anybody is signed in on a socket', () => {
  let server: LocalServer
  beforeAll(async () => {
    server = await LocalServer.start(await freshDatabase(), { TIDEMARK_LIMIT_AUTHENTICATION_MS: '2000' })
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  test('a message larger than a token ends it, also after its last session has ended; of who is signed in it is taken', async () => {
    using stranger = await new RawClient(server.sync).connected()
    stranger.update('plan', new Uint8Array(100_000))
    await until('it is closed', () => stranger.close)
    expect(stranger.close?.code).toBe(1009)
    using known = await RawClient.open(server.sync, 'plan')
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'x'.repeat(100_000))
    known.update('plan', Y.encodeStateAsUpdate(doc))
    await until('it is acknowledged', () => known.said.some((said) => said.kind === 'status' && said.saved))
    known.message('plan', (encoder) => encoding.writeVarUint(encoder, messageType.close))
    await until('its session has ended', () => known.has('closed'))
    known.update('plan', new Uint8Array(100_000))
    await until('it is closed', () => known.close)
    expect(known.close?.code).toBe(1009)
  })

  test('a stranger that says much without a token is sent away', async () => {
    using stranger = await new RawClient(server.sync).connected()
    for (let index = 0; index < 2_000; index++) stranger.sync('plan', syncType.step1, Uint8Array.of(0))
    await until('it is closed', () => stranger.close, { timeout: 1_500 })
    expect(stranger.close?.code).toBe(4408)
  })

  test('who was signed in and has closed the last document is no stranger: it stays for the next one', async () => {
    using client = await RawClient.open(server.sync, 'plan')
    client.message('plan', (encoder) => encoding.writeVarUint(encoder, messageType.close))
    await until('its session has ended', () => client.has('closed'))
    await pause(2_200)
    expect(client.close).toBeNull()
    client.authenticate('another', 'anybody')
    await until('it is let in', () => client.said.filter(({ kind }) => kind === 'authenticated').length === 2)
  })

  test('while a token is checked nothing is decoded of what comes behind it', async () => {
    const keys = await slowKeySet()
    try {
      await using closed = await LocalServer.start(await freshDatabase(), { TIDEMARK_AUTH_JWKS_URL: keys.url })
      using stranger = await new RawClient(closed.sync).connected()
      stranger.authenticate('plan', jwt)
      stranger.update('plan', Uint8Array.of(1, 2, 3))
      stranger.message('plan', (encoder) => encoding.writeVarUint(encoder, 99))
      await until('it is refused', () => stranger.has('denied'))
      await pause(100)
      expect(closed.log.flatMap(({ code }) => code ?? [])).toEqual(['token-invalid'])
    } finally {
      keys.server.close()
    }
  })
})

test('[R6.21] thousands of edits made while the document is being opened are kept, and its socket stays', async () => {
  const databaseUrl = await freshDatabase()
  await using server = await LocalServer.start(databaseUrl, {})
  using ada = new Writer({ url: server.sync, document: 'plan' })
  await until('the socket is open', () => ada.provider.configuration.websocketProvider.status === 'connected')
  for (let index = 0; index < 3_000; index++) ada.write()
  await ada.drained()
  expect(ada.closes).toEqual([])
  expect(ada.ledger.violations).toEqual([])
  expect(await readEdits({ url: server.sync, document: 'plan' })).toHaveLength(3_000)
})
