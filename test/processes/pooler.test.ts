import { describe, expect, test } from 'vitest'
import { makeFirstVersion } from '../helpers/first-version.ts'
import { typing } from '../helpers/load.ts'
import { PgBouncer } from '../helpers/pgbouncer.ts'
import { freshDatabase, query } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

const isSlowness = (cause: unknown): boolean =>
  /^(a commit takes over|nothing of it was stored for)/.test((cause as { message?: string } | undefined)?.message ?? '')

/** What the database refused; that it took its time on a busy machine is no failure of the pooler's. */
const failuresOf = (server: ServerProcess) =>
  server.log.filter(({ code, cause }) => code !== undefined && !isSlowness(cause))

describe('[R7.8] Postgres behind pgbouncer in transaction mode', () => {
  test('two servers start at once on it, many documents are opened and written, and nothing fails', async () => {
    const direct = await freshDatabase()
    await makeFirstVersion(direct)
    await using pooler = await PgBouncer.before(direct)
    await using one = await ServerProcess.prepare({ databaseUrl: pooler.url })
    await using two = await ServerProcess.prepare({ databaseUrl: pooler.url })
    await Promise.all([one.start(), two.start()])
    const documents = Array.from({ length: 30 }, (_, index) => `document ${index}`)
    const writers = documents.map(
      (document, index) => new Writer({ url: (index % 2 === 0 ? one : two).sync, document, name: `writer ${index}` }),
    )
    try {
      await Promise.all(writers.map((writer) => writer.synced()))
      const typists = typing(writers, { pauseMs: 150 })
      await pause(4_000)
      await typists.stop()
      await Promise.all(writers.map((writer) => writer.drained(5_000)))
      for (const server of [one, two]) expect(failuresOf(server)).toEqual([])
      const [writer] = writers
      await one.restart()
      const edits = await readEdits({ url: one.sync, document: documents[0] as string })
      expect(edits).toEqual(writer?.acknowledged)
    } finally {
      for (const writer of writers) writer[Symbol.dispose]()
    }
  })

  test('nothing of a session of ours is left to whoever gets its connection next', async () => {
    const direct = await freshDatabase()
    await using pooler = await PgBouncer.before(direct, { poolSize: 1 })
    await using server = await ServerProcess.start({ databaseUrl: pooler.url })
    using writer = new Writer({ url: server.sync, document: 'plan' })
    await writer.synced()
    writer.write()
    await writer.drained()
    const [next] = await query<{ timeout: string; prepared: number }>(
      pooler.url,
      `select current_setting('lock_timeout') as timeout, (select count(*)::int from pg_prepared_statements) as prepared`,
    )
    expect(next).toEqual({ timeout: '0', prepared: 0 })
  })

  test('a lock in the database leaves one backend waiting, and the edit is stored once', async () => {
    const direct = await freshDatabase()
    await using pooler = await PgBouncer.before(direct)
    await using server = await ServerProcess.start({ databaseUrl: pooler.url })
    using writer = new Writer({ url: server.sync, document: 'plan' })
    await writer.synced()
    const holder = query(direct, 'begin; lock table tidemark_store.updates in share mode; select pg_sleep(8)')
    await pause(500)
    writer.write()
    await pause(6_000)
    const waiting = `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    expect((await query<{ count: number }>(direct, waiting))[0]?.count).toBeLessThanOrEqual(1)
    await holder
    await writer.drained(5_000)
    await pause(500)
    expect(await query(direct, 'select count(*)::int as count from tidemark_store.updates')).toEqual([{ count: 1 }])
  })

  test('a pooler that is not known by its process numbers is found out by the first statement it loses', async () => {
    // what such a pooler does, done by hand: the prepared statements of a session are gone between two transactions
    const databaseUrl = await freshDatabase()
    await using server = await ServerProcess.start({ databaseUrl })
    using writer = new Writer({ url: server.sync, document: 'plan' })
    await writer.synced()
    writer.write()
    await writer.drained()
    await query(
      databaseUrl,
      `create function forget() returns trigger language plpgsql as 'begin deallocate all; return null; end';
       create trigger forget after update on tidemark_store.documents for each statement execute function forget()`,
    )
    for (let round = 0; round < 5; round += 1) {
      writer.write()
      await writer.drained(3_000)
    }
    expect(failuresOf(server)).toEqual([])
    await until('it is ready', async () => (await fetch(`${server.http}/readyz`)).ok)
  })
})
