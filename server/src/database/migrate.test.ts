import { TidemarkError } from '@tidemark/shared'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { firstVersionCommit, kyselyMigrations, makeFirstVersion } from '../../../test/helpers/first-version.ts'
import { freshDatabase, query } from '../../../test/helpers/postgres.ts'
import { openDatabase } from './database.ts'

async function open(databaseUrl: string): Promise<void> {
  await (await openDatabase({ databaseUrl }, () => {})).close()
}

/** Why a server does not start on this database. */
async function refusal(databaseUrl: string): Promise<TidemarkError> {
  const error = await open(databaseUrl).then(
    () => new Error('it opened'),
    (cause: unknown) => cause,
  )
  if (!(error instanceof TidemarkError)) throw error
  return error
}

async function relations(url: string): Promise<string[]> {
  const rows = await query<{ name: string }>(
    url,
    `select table_schema || '.' || table_name as name from information_schema.tables
     where table_schema not in ('pg_catalog', 'information_schema') order by 1`,
  )
  return rows.map(({ name }) => name)
}

const own = ['documents', 'migrations', 'quarantine', 'revocations', 'snapshots', 'updates'].map(
  (name) => `tidemark_store.${name}`,
)
const kysely = ['public.kysely_migration', 'public.kysely_migration_lock']

/** A role of its own that may connect and nothing more. @returns the database's address for it */
async function withRole(url: string, name: string): Promise<{ url: string; role: string }> {
  const role = `${name}_${Math.random().toString(36).slice(2, 8)}`
  await query(url, `create role "${role}" login password 'of-the-role'`)
  const address = new URL(url)
  address.username = role
  address.password = 'of-the-role'
  return { url: address.href, role }
}

describe('[R7.6] a database that is shared with other applications', () => {
  test('everything of ours is in our schema, and opening again changes nothing', async () => {
    const url = await freshDatabase()
    await open(url)
    expect(await relations(url)).toEqual(own)
    await open(url)
    expect(await relations(url)).toEqual(own)
  })

  test('another application’s migrations and tables with our names do not matter', async () => {
    const url = await freshDatabase()
    await query(url, `${kyselyMigrations('0001-journal', '2024-users')}; create table documents (id int, title text)`)
    await query(url, `create table updates (id int); insert into documents values (1, 'theirs')`)
    await open(url)
    expect(await relations(url)).toEqual(['public.documents', ...kysely, 'public.updates', ...own])
    expect(await query(url, 'select * from public.documents')).toEqual([{ id: 1, title: 'theirs' }])
    expect(await query(url, 'select name from kysely_migration order by name')).toHaveLength(2)
  })

  test('a search path that hides our schema, or is empty, does not matter', async () => {
    const url = await freshDatabase()
    await query(url, `alter database "${new URL(url).pathname.slice(1)}" set search_path = ''`)
    const database = await openDatabase({ databaseUrl: url }, () => {})
    expect(await database.kysely.selectFrom('documents').selectAll().execute()).toEqual([])
    await database.close()
    await open(url)
    expect(await relations(url)).toEqual(own)
  })

  test('a schema of our name that is somebody else’s is left alone', async () => {
    const url = await freshDatabase()
    await query(url, 'create schema tidemark_store; create view tidemark_store.report as select 1 as one')
    const error = await refusal(url)
    expect(error.code).toBe('schema-unusable')
    expect(error.message).toContain('report')
    expect(await relations(url)).toEqual(['tidemark_store.report'])
  })

  test('a foreign table named migrations in a schema of our name is not taken for ours', async () => {
    const url = await freshDatabase()
    await query(url, 'create schema tidemark_store; create table tidemark_store.migrations (id int)')
    expect((await refusal(url)).code).toBe('schema-unusable')
  })

  test('what an administrator adds to our schema does not matter', async () => {
    const url = await freshDatabase()
    await open(url)
    await query(url, 'create view tidemark_store.report as select count(*) from tidemark_store.documents')
    await query(url, 'alter table tidemark_store.documents add column note text')
    await open(url)
  })

  test('a user who may not create the schema is told what an administrator must do, and that does it', async () => {
    const url = await freshDatabase()
    const limited = await withRole(url, 'app')
    const error = await refusal(limited.url)
    expect(error.code).toBe('schema-unusable')
    expect(error.message).toContain('create schema tidemark_store authorization')
    await query(url, `create schema tidemark_store authorization "${limited.role}"`)
    await open(limited.url)
    expect(await relations(url)).toEqual(own)
  })

  test('a user who may not use the tables is told so', async () => {
    const url = await freshDatabase()
    await open(url)
    const limited = await withRole(url, 'other')
    expect((await refusal(limited.url)).code).toBe('schema-unusable')
  })
})

describe('[R7.3] [R7.6] what is in our schema is not what this version knows', () => {
  test('a newer version’s schema is refused', async () => {
    const url = await freshDatabase()
    await open(url)
    await query(url, `insert into tidemark_store.migrations (name) values ('9999-future')`)
    const error = await refusal(url)
    expect(error.code).toBe('schema-too-new')
    expect(error.message).toContain('9999-future')
  })

  test('a table that was lost is named, and not made anew', async () => {
    const url = await freshDatabase()
    await open(url)
    await query(url, 'drop table tidemark_store.updates')
    const error = await refusal(url)
    expect(error.code).toBe('schema-unusable')
    expect(error.message).toContain('updates')
    expect(await relations(url)).not.toContain('tidemark_store.updates')
  })
})

describe('[R7.7] tables of the first version', () => {
  test('are moved with all they hold, and new rows follow the old ones', async () => {
    const url = await freshDatabase()
    await makeFirstVersion(url)
    await open(url)
    expect(await relations(url)).toEqual([...kysely, ...own])
    expect(await query(url, 'select name, epoch, head from tidemark_store.documents')).toEqual([
      { name: 'plan', epoch: '00000000-0000-4000-8000-000000000001', head: '2' },
    ])
    expect(await query(url, 'select revision, author, crc from tidemark_store.updates order by 1')).toEqual([
      { revision: '1', author: 'ada', crc: null },
      { revision: '2', author: 'ben', crc: null },
    ])
    const [added] = await query(url, `insert into tidemark_store.documents (name) values ('next') returning id`)
    expect(added).toEqual({ id: '2' })
    await open(url)
  })

  test.each([
    { where: 'in public', role: null },
    { where: 'in a schema named after the user, the first in the search path', role: 'tidemark' },
  ])('$where: a server of that version that still runs stores nothing more, and starts no more', async ({ role }) => {
    let url = await freshDatabase()
    if (role !== null) {
      const user = await withRole(url, role)
      await query(url, `create schema authorization "${user.role}"`)
      await query(url, `grant create on database "${new URL(url).pathname.slice(1)}" to "${user.role}"`)
      url = user.url
      await makeFirstVersion(url, `"${user.role}"`)
    } else {
      await makeFirstVersion(url)
    }
    const old = new pg.Client({ connectionString: url })
    await old.connect()
    const commit = () => old.query({ ...firstVersionCommit, values: [1, Buffer.of(9), 'ada'] })
    expect((await commit()).rows).toEqual([{ id: '1', head: '3' }])
    await open(url)
    await expect(commit()).rejects.toMatchObject({ code: '42P01' })
    expect(await query(url, 'select head from tidemark_store.documents')).toEqual([{ head: '3' }])
    const known = await old.query(`select name from kysely_migration where name <> '0001-journal'`)
    expect(known.rows, 'it refuses names it does not know').toHaveLength(1)
    await old.end()
  })

  test('are moved once when many nodes start at the same moment, and an edit of the old server fails or is kept', async () => {
    const url = await freshDatabase()
    await makeFirstVersion(url)
    const old = new pg.Client({ connectionString: url })
    await old.connect()
    let stored = 2
    const writing = (async () => {
      for (;;) {
        await old.query({ ...firstVersionCommit, values: [1, Buffer.of(9), 'ada'] })
        stored += 1
      }
    })()
    const ended = expect(writing).rejects.toMatchObject({ code: '42P01' })
    await Promise.all(Array.from({ length: 8 }, () => open(url)))
    await ended
    await old.end()
    expect(await query(url, 'select head::int as head from tidemark_store.documents')).toEqual([{ head: stored }])
    expect(await query(url, 'select count(*)::int as count from tidemark_store.updates')).toEqual([{ count: stored }])
    expect(await query(url, 'select name from tidemark_store.migrations order by 1')).toHaveLength(4)
  })

  test('of which one is missing are neither moved nor replaced', async () => {
    const url = await freshDatabase()
    await makeFirstVersion(url)
    await query(url, 'drop table quarantine')
    const error = await refusal(url)
    expect(error.code).toBe('schema-unusable')
    expect(error.message).toContain('quarantine')
    expect(await relations(url)).not.toContain('tidemark_store.migrations')
  })

  test('that come back beside our schema are not passed over in silence', async () => {
    const url = await freshDatabase()
    await open(url)
    await makeFirstVersion(url)
    const error = await refusal(url)
    expect(error.code).toBe('schema-unusable')
    expect(error.message).toContain('1 documents')
    await query(url, 'delete from public.documents')
    await open(url)
  })

  test('that another session holds are left where they are, and the reason is told', { timeout: 30_000 }, async () => {
    const url = await freshDatabase()
    await makeFirstVersion(url)
    const backup = new pg.Client({ connectionString: url })
    await backup.connect()
    await backup.query('begin; lock table quarantine in access share mode')
    const error = await refusal(url)
    expect(error.code).toBe('storage-unavailable')
    await backup.end()
    expect(await relations(url)).not.toContain('tidemark_store.documents')
    await open(url)
    expect(await relations(url)).toEqual([...kysely, ...own])
  })
})
