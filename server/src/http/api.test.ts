import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDataFolder } from '../../../test/helpers/data-folder.ts'
import { type Catalogue, createCatalogue } from '../admin/catalogue.ts'
import type { LiveSession } from '../admin/live-documents.ts'
import { type Database, openDatabase } from '../database/database.ts'
import type { AppParts } from './parts.ts'
import { bearer, makeApp as makeBareApp, withSecret } from './testing.ts'

let folder: string
let database: Database
let catalogue: Catalogue

beforeAll(async () => {
  folder = await newDataFolder()
  database = await openDatabase({ dataFolder: folder }, () => {})
  await fill(database)
  catalogue = createCatalogue(database.kysely)
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

function makeApp(changes: Partial<AppParts> = {}) {
  const live = {
    sessions: (name: string) => (name === 'team-7/plan' ? [ada] : []),
    count: (name: string) => (name === 'team-7/plan' ? 1 : 0),
  }
  return makeBareApp({ catalogue, live, ...changes })
}

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
