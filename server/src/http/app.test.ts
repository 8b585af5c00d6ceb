import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type Clock, systemClock } from '@tidemark/shared'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCatalogue } from '../admin/catalogue.ts'
import type { LiveSession } from '../admin/live-documents.ts'
import { createAuthoriser } from '../auth/authoriser.ts'
import { signToken } from '../auth/sign-token.ts'
import type { AuthConfig } from '../config.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { createLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { createApp } from './app.ts'
import { createNetworkPolicy } from './network-policy.ts'
import type { AppParts, Readiness } from './parts.ts'

const host = 'localhost:4321'
const secret = 'a secret of thirty-two bytes, or more'
const withSecret: AuthConfig = { mode: 'secret', secret }

let folder: string
let database: Database

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-http-'))
  database = await openDatabase({ dataFolder: join(folder, 'data') }, () => {})
  await fill(database)
  await mkdir(join(folder, 'demo', 'assets'), { recursive: true })
  await mkdir(join(folder, 'admin'))
  await writeFile(join(folder, 'demo', 'index.html'), '<title>demo</title>')
  await writeFile(join(folder, 'demo', 'assets', 'index-B1x2_-y3.js'), `// ${'script '.repeat(500)}`)
  await writeFile(join(folder, 'demo', 'assets', 'logo.svg'), '<svg/>')
  await writeFile(join(folder, 'demo', '.env'), 'not to be served')
  await writeFile(join(folder, 'admin', 'index.html'), '<title>admin</title>')
  await writeFile(join(folder, 'secret.txt'), 'not to be served')
})

afterAll(async () => {
  await database.close()
  await rm(folder, { recursive: true })
})

/** Three documents: one with a snapshot and a tail, one new, one with a name that needs care. */
async function fill({ kysely }: Database): Promise<void> {
  const bytes = (length: number) => new Uint8Array(length)
  for (const [name, head] of [
    ['team-7/plan', 5],
    ['team-8/50%_done\u{1F600}', 0],
    ['Welcome', 1],
  ] as const) {
    const { id } = await kysely.insertInto('documents').values({ name, head }).returning('id').executeTakeFirstOrThrow()
    for (let revision = 1; revision <= head; revision++) {
      await kysely
        .insertInto('updates')
        .values({ document_id: id, revision, bytes: bytes(10 * revision), author: 'ada' })
        .execute()
    }
    if (head !== 5) continue
    for (const revision of [2, 3]) {
      await kysely
        .insertInto('snapshots')
        .values({ document_id: id, revision, bytes: bytes(100 * revision) })
        .execute()
    }
    const row = { document_id: id, revision: 4, source: 'update', bytes: bytes(40), reason: 'does not decode' } as const
    await kysely.insertInto('quarantine').values(row).execute()
  }
}

const ada: LiveSession = { userId: 'ada', userName: 'Ada', since: Date.UTC(2026, 10, 21) }

function makeApp(changes: Partial<AppParts> & { allowedOrigins?: string[] } = {}) {
  const lines: string[] = []
  const auth = changes.auth ?? { mode: 'open' }
  const config = { host: '127.0.0.1', allowedHosts: [], allowedOrigins: changes.allowedOrigins ?? [] }
  const app = createApp({
    auth,
    version: '1.2.3',
    databaseKind: 'pglite',
    startedAt: Date.now() - 65_000,
    clock: systemClock satisfies Clock,
    log: createLog('info', { write: (line) => lines.push(line) }),
    metrics: createMetrics(),
    network: createNetworkPolicy({ config, port: () => 4321 }),
    authoriser: createAuthoriser(auth, systemClock),
    catalogue: createCatalogue(database.kysely),
    live: {
      sessions: (name) => (name === 'team-7/plan' ? [ada] : []),
      count: (name) => (name === 'team-7/plan' ? 1 : 0),
    },
    readiness: async () => ({ ready: true }),
    folders: { demo: join(folder, 'demo'), admin: join(folder, 'admin') },
    ...changes,
  })
  const request = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    Promise.resolve(app.request(path, { method, headers: { host, ...headers } }))
  return { request, lines }
}

const bearer = async (documents: Record<string, 'read' | 'write' | 'admin'>) => ({
  authorization: `Bearer ${await signToken(secret, { sub: 'ada', documents, expiresIn: 60 })}`,
})

describe('[S2] names and origins', () => {
  test('another name is refused everywhere, pages and health included', async () => {
    for (const path of ['/', '/livez', '/api/status', '/admin', '/nowhere']) {
      const response = await makeApp().request(path, { host: 'evil.example:4321' })
      expect(response.status).toBe(421)
      expect(await response.json()).toEqual({ error: { code: 'host-not-allowed', message: expect.any(String) } })
    }
  })

  test('a foreign page reads and changes nothing; its own page does', async () => {
    const { request } = makeApp()
    const origin = 'http://evil.example'
    expect((await request('/api/documents', { origin })).status).toBe(403)
    expect((await request('/api/documents', { origin }, 'POST')).status).toBe(403)
    expect((await request('/', { origin }, 'DELETE')).status).toBe(403)
    expect((await request('/api/documents', { origin: `http://${host}` })).status).toBe(200)
  })
})

describe('[S5] every answer carries the headers', () => {
  test.each([
    '/',
    '/d/team-7/plan',
    '/admin',
    '/livez',
    '/metrics',
    '/api/status',
    '/api/nothing',
    '/nothing',
    '/assets/logo.svg',
  ])('%s', async (path) => {
    const { headers } = await makeApp().request(path)
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain(`connect-src 'self' ws://${host} wss://${host}`)
    expect(policy).not.toMatch(/unsafe|\*/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  test('a refused Host cannot write itself into the policy', async () => {
    const { headers } = await makeApp().request('/', { host: 'x;script-src *' })
    expect(headers.get('content-security-policy')).not.toContain('script-src *')
  })

  test('the admin page may not turn text into markup at all', async () => {
    const { headers } = await makeApp().request('/admin')
    expect(headers.get('content-security-policy')).toContain("require-trusted-types-for 'script'")
  })
})

describe('[W2] health', () => {
  test('alive is alive, ready is ready', async () => {
    const state: { now: Readiness } = { now: { ready: true } }
    const { request } = makeApp({ readiness: async () => state.now })
    expect((await request('/readyz')).status).toBe(200)
    state.now = { ready: false, reasons: ['the database is away'] }
    const response = await request('/readyz')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual(state.now)
    expect((await request('/livez')).status).toBe(200)
  })

  test('metrics count, and ask for a token where there is a secret', async () => {
    const { request } = makeApp()
    await request('/livez')
    expect(await (await request('/metrics')).text()).toMatch(/tidemark_http_requests_total\{.*area="health".*\} 1/)
    const guarded = makeApp({ auth: withSecret })
    expect((await guarded.request('/metrics')).status).toBe(401)
    expect((await guarded.request('/metrics', await bearer({ '*': 'admin' }))).status).toBe(200)
  })
})

describe('[C9] the API for administrators', () => {
  test('says how the server is', async () => {
    expect(await (await makeApp().request('/api/status')).json()).toEqual({
      auth: { mode: 'open' },
      protocol: 1,
      ready: true,
      version: '1.2.3',
      uptimeSeconds: 65,
      database: { kind: 'pglite' },
      sockets: 0,
      sessions: 0,
      documentsInMemory: 0,
    })
  })

  test('says to a stranger only how to sign in', async () => {
    const { request } = makeApp({ auth: withSecret })
    expect(await (await request('/api/status')).json()).toEqual({ auth: { mode: 'secret' }, protocol: 1, ready: true })
    expect(await (await request('/api/status', await bearer({ '*': 'admin' }))).json()).toMatchObject({
      version: '1.2.3',
    })
    expect((await request('/api/status', { authorization: 'Bearer wrong' })).status).toBe(401)
  })

  test('[T1] opens to an administrator only', async () => {
    const { request } = makeApp({ auth: withSecret })
    const refusal = async (headers: Record<string, string>) => {
      const response = await request('/api/documents', headers)
      return { status: response.status, ...((await response.json()) as { error: { code: string } }).error }
    }
    expect(await refusal({})).toMatchObject({ status: 401, code: 'token-missing' })
    expect(await refusal({ authorization: 'Bearer wrong' })).toMatchObject({ status: 401, code: 'token-invalid' })
    expect(await refusal({ authorization: 'Basic YTpi' })).toMatchObject({ status: 401, code: 'token-missing' })
    expect(await refusal(await bearer({ '*': 'write' }))).toMatchObject({ status: 403, code: 'permission-denied' })
    expect((await request('/api/documents', await bearer({ '*': 'admin' }))).status).toBe(200)
    const token = (await bearer({ '*': 'admin' })).authorization.slice(7)
    expect((await request(`/api/documents?token=${token}`)).status).toBe(401)
  })

  test('lists documents by name, page after page', async () => {
    const { request } = makeApp()
    const names: string[] = []
    for (let cursor = ''; ; ) {
      const response = await request(`/api/documents?limit=1${cursor}`)
      const page = (await response.json()) as { documents: { name: string }[]; next: string | null }
      names.push(...page.documents.map(({ name }) => name))
      if (page.next === null) break
      cursor = `&cursor=${encodeURIComponent(page.next)}`
    }
    expect(new Set(names)).toEqual(new Set(['team-7/plan', 'team-8/50%_done\u{1F600}', 'Welcome']))
    expect(names).toHaveLength(3)
  })

  test('[R8.1] says what each document costs', async () => {
    const response = await makeApp().request('/api/documents?search=plan')
    expect(await response.json()).toEqual({
      documents: [
        {
          name: 'team-7/plan',
          epoch: expect.stringMatching(/^[\da-f-]{36}$/),
          head: 5,
          snapshot: { revision: 3, bytes: 300, createdAt: expect.any(String) },
          tail: { updates: 2, bytes: 90 },
          createdAt: expect.any(String),
          updatedAt: expect.any(String),
          sessions: 1,
        },
      ],
      next: null,
    })
  })

  test.each([
    ['PLAN', ['team-7/plan']],
    ['50%', ['team-8/50%_done\u{1F600}']],
    ['%', ['team-8/50%_done\u{1F600}']],
    ['_', ['team-8/50%_done\u{1F600}']],
    ['\\', []],
    ["'; drop table documents; --", []],
  ])('searches for %j as it stands', async (search, expected) => {
    const response = await makeApp().request(`/api/documents?search=${encodeURIComponent(search)}`)
    const { documents } = (await response.json()) as { documents: { name: string }[] }
    expect(documents.map(({ name }) => name)).toEqual(expected)
  })

  test('shows one document, whatever its name', async () => {
    const { request } = makeApp()
    expect(await (await request('/api/documents/team-7%2Fplan')).json()).toMatchObject({
      name: 'team-7/plan',
      head: 5,
      journal: { updates: 5, bytes: 150 },
      quarantined: [{ revision: 4, source: 'update', bytes: 40, reason: 'does not decode' }],
      sessions: [{ userId: 'ada', userName: 'Ada', since: '2026-11-21T00:00:00.000Z' }],
    })
    const odd = encodeURIComponent('team-8/50%_done\u{1F600}')
    expect(await (await request(`/api/documents/${odd}`)).json()).toMatchObject({
      head: 0,
      snapshot: null,
      sessions: [],
    })
  })

  test.each([
    ['/api/documents/nothing', 404, 'not-found'],
    ['/api/documents/team-7/plan', 404, 'not-found'],
    ['/api/documents/%00', 400, 'document-name-invalid'],
    ['/api/documents/..%2Fx', 400, 'document-name-invalid'],
    ['/api/documents/%E0%A4%A', 404, 'not-found'],
    [`/api/documents/${'x'.repeat(600)}`, 400, 'document-name-invalid'],
    ['/api/documents?limit=0', 400, 'message-malformed'],
    ['/api/documents?limit=lots', 400, 'message-malformed'],
    ['/api/documents?cursor=%00', 400, 'message-malformed'],
    ['/api/nothing', 404, 'not-found'],
  ])('%s is %d %s', async (path, status, code) => {
    const response = await makeApp().request(path)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code } })
  })

  test('[R5.3] says that the database is away, and logs why, once', async () => {
    const away = async () => {
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    }
    const { request, lines } = makeApp({ catalogue: { list: away, find: away } })
    const response = await request('/api/documents?search=team')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'storage-unavailable' } })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0]!)).toMatchObject({ code: 'storage-unavailable', cause: { code: 'ECONNREFUSED' } })
  })

  test('a fault of ours is answered without its details', async () => {
    const live = {
      sessions: () => {
        throw new Error('a detail')
      },
      count: () => 0,
    }
    const { request, lines } = makeApp({ live })
    const response = await request('/api/documents/Welcome')
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('a detail')
    expect(lines.join('')).toContain('a detail')
  })
})

describe('[B5] the pages', () => {
  test('every document has the demo page, which is asked for each time', async () => {
    const { request } = makeApp()
    for (const path of ['/', '/d/plan', '/d/team-7/plan', '/d/50%25_done']) {
      const response = await request(path)
      expect(await response.text()).toBe('<title>demo</title>')
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(response.headers.get('cache-control')).toBe('no-cache')
    }
  })

  test('a file with a hash in its name is kept for ever, any other is asked for again', async () => {
    const { request } = makeApp()
    const hashed = await request('/assets/index-B1x2_-y3.js', { 'accept-encoding': 'gzip, br' })
    expect(hashed.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(hashed.headers.get('content-encoding')).toBe('gzip')
    expect(gunzipSync(await hashed.arrayBuffer()).toString()).toMatch(/^\/\/ script/)
    expect(await (await request('/assets/index-B1x2_-y3.js')).text()).toMatch(/^\/\/ script/)
    const logo = await request('/assets/logo.svg')
    expect(logo.headers.get('cache-control')).toBe('no-cache')
    const again = await request('/assets/logo.svg', { 'if-none-match': logo.headers.get('etag') ?? '' })
    expect(again.status).toBe(304)
  })

  test.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/assets//etc/passwd',
    '/assets/%00',
    '/assets',
    '/.env',
    '/admin/../secret.txt',
    '/admin/..%2fsecret.txt',
    '/admin/%5c..%5csecret.txt',
  ])('nothing outside the folder is served: %s', async (path) => {
    const response = await makeApp().request(path)
    expect(response.status).toBe(404)
    expect(await response.text()).not.toContain('not to be served')
  })

  test('a demo that is not built says so, and how to build it', async () => {
    const { request } = makeApp({ folders: { demo: join(folder, 'not-built'), admin: join(folder, 'admin') } })
    const response = await request('/')
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('npm run build')
  })
})
