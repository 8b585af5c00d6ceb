import { get } from 'node:http'
import { decodeServerMessage, encodeAuthEnvelope } from '@tidemark/shared'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { RawClient } from '../helpers/raw-client.ts'
import { ServerProcess } from '../helpers/server.ts'
import { secret, token } from '../helpers/tokens.ts'
import { pause, until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

let server: ServerProcess
let full: string

beforeAll(async () => {
  server = await ServerProcess.start({ secret })
  full = await token()
})
afterAll(async () => server[Symbol.asyncDispose]())

describe('[V1] [S3] who may open what', () => {
  test.each([
    { who: 'nobody in particular', sends: async () => '', code: /^token-(missing|invalid)$/ },
    { who: 'someone with nonsense', sends: async () => 'nonsense', code: /^token-invalid$/ },
    {
      who: 'someone with a token of another server',
      sends: () => token({ signedWith: `another ${secret}` }),
      code: /^token-invalid$/,
    },
    { who: 'someone whose token has run out', sends: () => token({ expiresIn: -60 }), code: /^token-expired$/ },
    {
      who: 'someone of another team',
      sends: () => token({ documents: { 'team-8/*': 'admin' } }),
      code: /^permission-denied$/,
    },
    { who: 'someone with no documents at all', sends: () => token({ documents: {} }), code: /^permission-denied$/ },
    { who: 'someone with an unsigned token', sends: unsigned, code: /^token-invalid$/ },
  ])('$who is refused with a code', async ({ sends, code }) => {
    using client = await RawClient.open(server.sync, 'team-7/plan', await sends())
    expect(await client.reason('the token')).toMatch(code)
    expect(client.has('authenticated')).toBe(false)
    expect(client.has('sync')).toBe(false)
  })

  test('a stock provider that is refused says so to its app, and gets nothing of the document', async () => {
    using owner = new Writer({ url: server.sync, document: 'team-7/secret', token: full })
    await owner.synced()
    owner.write()
    await owner.drained()
    using stranger = new Writer({
      url: server.sync,
      document: 'team-7/secret',
      token: await token({ documents: { a: 'write' } }),
    })
    await until('it is refused', () => stranger.denials.length > 0)
    expect(stranger.denials).toEqual(['permission-denied'])
    stranger.write()
    await pause(300)
    expect(stranger.edits.length).toBe(1)
    expect(stranger.ledger.acknowledged.size).toBe(0)
    expect(owner.edits.length).toBe(1)
  })

  test('the longest matching pattern decides: a narrow grant limits a wide one', async () => {
    const mixed = await token({ documents: { '*': 'write', 'archive/*': 'read' } })
    using client = await RawClient.open(server.sync, 'archive/2019', mixed)
    const hello = await until('the server says hello or authenticates', () =>
      client.said.find((said) => said.kind === 'authenticated'),
    )
    expect(hello).toEqual({ kind: 'authenticated', scope: 'readonly' })
  })
})

describe('[S4] [R5.4] a reader', () => {
  test('reads what others write, and each edit of theirs is refused with a reason', async () => {
    using writer = new Writer({ url: server.sync, document: 'read-only', token: full })
    await writer.synced()
    const edit = writer.write()
    await writer.drained()
    using reader = new Writer({
      url: server.sync,
      document: 'read-only',
      token: await token({ documents: { '*': 'read' } }),
    })
    await reader.synced()
    expect(reader.edits.toArray()).toEqual([edit])
    reader.write()
    await until('the edit is refused', () => reader.ledger.refusals === 1)
    expect(reader.told).toEqual(['read-only'])
    expect(reader.ledger.acknowledged.size).toBe(0)
    const next = writer.write()
    await until('the reader still hears', () => reader.edits.toArray().includes(next))
    expect(writer.edits.toArray()).toEqual([edit, next])
  })
})

describe('[T1] [S6] a token runs out during the connection', () => {
  test('a stock provider is asked in the connection, answers with a fresh one, and writes on', async () => {
    let asked = 0
    const provide = async () => {
      asked += 1
      return token({ expiresIn: 2 })
    }
    using writer = new Writer({ url: server.sync, document: 'renewed', token: provide })
    await writer.synced()
    const end = Date.now() + 5000
    while (Date.now() < end) {
      writer.write()
      await pause(50)
    }
    await writer.drained()
    expect(asked).toBeGreaterThanOrEqual(3)
    expect(writer.closes, 'it was never disconnected').toEqual([])
    expect(writer.ledger.refusals).toBe(0)
  })

  test('without a fresh one the session ends with token-expired, and nothing sent after expiry is accepted', async () => {
    const once = await token({ expiresIn: 2 })
    using writer = new Writer({ url: server.sync, document: 'expired', token: once })
    using other = new Writer({ url: server.sync, document: 'expired', token: full })
    await Promise.all([writer.synced(), other.synced()])
    writer.write()
    await writer.drained()
    await pause(2200)
    writer.write()
    await until('the end of the session is told', () =>
      [...writer.closes.map(({ reason }) => reason), ...writer.told, ...writer.denials].includes('token-expired'),
    )
    await pause(300)
    expect(writer.ledger.acknowledged.size).toBe(1)
    expect(other.edits.length).toBe(1)
  })

  test('a fresh token with fewer rights takes effect on the open connection', async () => {
    let rights: 'write' | 'read' = 'write'
    using writer = new Writer({
      url: server.sync,
      document: 'narrowed',
      token: () => token({ expiresIn: rights === 'write' ? 2 : 600, documents: { narrowed: rights } }),
    })
    await writer.synced()
    writer.write()
    await writer.drained()
    rights = 'read'
    await pause(2500)
    writer.write()
    await until('the edit is refused', () => writer.told.includes('read-only'))
    expect(writer.ledger.acknowledged.size).toBe(1)
  })
})

describe('[S2] foreign pages and rebound names', () => {
  test('a socket from a foreign page is refused before it is one; without Origin (Node) it passes', async () => {
    using foreign = new RawClient(server.sync, { origin: 'https://evil.example' })
    expect(await until('the upgrade is refused', () => foreign.refused)).toBe(403)
    using rebound = new RawClient(server.sync, { headers: { host: `evil.example:${server.port}` } })
    expect(await until('the upgrade is refused', () => rebound.refused)).toBe(403)
    using pretender = new RawClient(`${server.yWebsocket}/plan`, {
      origin: `http://127.0.0.1.evil.example:${server.port}`,
    })
    expect(await until('the upgrade is refused', () => pretender.refused)).toBe(403)
    using sandboxed = new RawClient(server.sync, { origin: 'null' })
    expect(await until('the upgrade is refused', () => sandboxed.refused)).toBe(403)
    using own = new RawClient(server.sync, { origin: server.http })
    await own.connected()
    using local = new RawClient(server.sync, {
      origin: `http://localhost:${server.port}`,
      headers: { host: `localhost:${server.port}` },
    })
    await local.connected()
  })

  test('an allowed origin passes when it was configured', async () => {
    await using open = await ServerProcess.start({ secret, env: { TIDEMARK_ALLOWED_ORIGINS: 'https://app.example' } })
    using client = new RawClient(open.sync, { origin: 'https://app.example' })
    await client.connected()
    using other = new RawClient(open.sync, { origin: 'https://app.example.evil.example' })
    expect(await until('the upgrade is refused', () => other.refused)).toBe(403)
  })

  test('HTTP refuses a Host that is not ours, on every path', async () => {
    for (const path of ['/', '/livez', '/readyz', '/api/documents', '/nothing/here']) {
      const response = await request(path, { host: 'evil.example' })
      expect({ path, status: response.status }).toEqual({ path, status: 421 })
      expect(response.body).toContain('host-not-allowed')
    }
  })
})

describe('[R9] [B2] a client that holds another history', () => {
  test('is refused epoch-mismatch before any sync step, and the document is as it was', async () => {
    using writer = new Writer({ url: server.sync, document: 'replaced', token: full })
    await writer.synced()
    const edit = writer.write()
    await writer.drained()
    using client = new RawClient(server.sync)
    await client.connected()
    client.authenticate('replaced', full, '00000000-0000-4000-8000-000000000000')
    const other = new Y.Doc()
    other.getArray('edits').push(['doubled'])
    client.sync('replaced', 0, Y.encodeStateVector(other))
    client.update('replaced', Y.encodeStateAsUpdate(other))
    expect(await client.reason('the epoch')).toBe('epoch-mismatch')
    await pause(300)
    expect(client.has('sync')).toBe(false)
    expect(writer.edits.toArray()).toEqual([edit])
    expect(await readEdits({ url: server.sync, document: 'replaced', token: full })).toEqual([edit])
  })

  test('the epoch that hello said is accepted, and stays over a restart', async () => {
    using first = new RawClient(server.sync)
    await first.connected()
    first.authenticate('kept', full)
    expect(await epochSaidTo(first), 'a stock client is told nothing').toBeNull()

    using second = new Writer({ url: server.sync, document: 'kept', token: full })
    await second.synced()
    second.write()
    await second.drained()
    const said = await openWithEnvelope('kept', undefined)
    await server.restart()
    expect(await openWithEnvelope('kept', said)).toBe(said)
  })
})

async function openWithEnvelope(document: string, epoch: string | undefined): Promise<string> {
  const envelope = encodeAuthEnvelope({ protocol: 1, token: full, ...(epoch === undefined ? {} : { epoch }) })
  using client = await RawClient.open(server.sync, document, envelope)
  // the client lives until it has heard
  return await until('the server says hello', () => epochSaidTo(client))
}

async function epochSaidTo(client: RawClient): Promise<string | null> {
  await pause(100)
  for (const said of client.said) {
    const message = said.kind === 'stateless' ? decodeServerMessage(said.payload) : null
    if (message?.tidemark === 'hello') return message.epoch ?? null
  }
  return null
}

async function unsigned(): Promise<string> {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ sub: 'eve', documents: { '*': 'admin' } })}.`
}

function request(path: string, headers: Record<string, string>): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    get({ port: server.port, host: '127.0.0.1', path, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode, body }))
    }).once('error', reject)
  })
}
