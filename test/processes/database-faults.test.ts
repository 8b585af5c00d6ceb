import { describe, expect, test } from 'vitest'
import { freshDatabase, PostgresCluster, query } from '../helpers/postgres.ts'
import { endConnections, holdLock, setReadOnly } from '../helpers/postgres-faults.ts'
import { ServerProcess } from '../helpers/server.ts'
import { TcpProxy } from '../helpers/tcp-proxy.ts'
import { pause, until, within } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

/** The server's connections to this database that wait for a lock. */
async function waiting(url: string): Promise<number> {
  const [row] = await query<{ count: number }>(
    url,
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and application_name = 'tidemark' and wait_event_type = 'Lock'`,
  )
  return row?.count ?? -1
}

async function connections(url: string): Promise<number> {
  const [row] = await query<{ count: number }>(
    url,
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and application_name = 'tidemark'`,
  )
  return row?.count ?? -1
}

async function storedUpdates(url: string): Promise<number> {
  const [row] = await query<{ count: number }>(url, 'select count(*)::int as count from tidemark_store.updates')
  return row?.count ?? -1
}

async function author(server: ServerProcess, document = 'plan'): Promise<Writer> {
  const writer = new Writer({ url: server.sync, document })
  await writer.synced()
  writer.write()
  await writer.drained()
  return writer
}

describe('[R7.15] what failed for the server does not go on in the database', () => {
  test('a lock on the journal for 20 s: only what is being tried waits, and the edit is stored once', async () => {
    const databaseUrl = await freshDatabase()
    await using server = await ServerProcess.start({ databaseUrl })
    using writer = await author(server)
    await using lock = await holdLock(databaseUrl, 'lock table tidemark_store.updates in share mode')
    writer.write()
    const seen: number[] = []
    const end = performance.now() + 20_000
    while (performance.now() < end) {
      seen.push(await waiting(databaseUrl))
      await pause(250)
    }
    // the commit, and the question whether anything could be committed
    expect(Math.max(...seen)).toBeGreaterThan(0)
    expect(Math.max(...seen)).toBeLessThanOrEqual(2)
    expect(writer.ledger.acknowledged.size).toBe(1)
    await lock.release()
    await writer.drained(5_000)
    await pause(1_500)
    expect(await waiting(databaseUrl)).toBe(0)
    expect(await storedUpdates(databaseUrl)).toBe(2)
  })

  test('[R7.11] a lock on the snapshots: loads fail and leave nothing waiting, an edit elsewhere does not wait for them', async () => {
    const databaseUrl = await freshDatabase()
    await using server = await ServerProcess.start({ databaseUrl })
    using writer = await author(server)
    await using lock = await holdLock(databaseUrl, 'lock table tidemark_store.snapshots in access exclusive mode')
    const readers = Array.from(
      { length: 24 },
      (_, index) => new Writer({ url: server.sync, document: `cold ${index}` }),
    )
    try {
      await until('loads wait', async () => (await waiting(databaseUrl)) > 3)
      for (let round = 0; round < 5; round += 1) {
        const started = performance.now()
        writer.write()
        await writer.drained()
        expect(performance.now() - started, 'an edit does not wait for loads').toBeLessThan(1_000)
        await pause(1_000)
        expect(await connections(databaseUrl)).toBeLessThanOrEqual(13)
      }
      const [oldest] = await query<{ seconds: number }>(
        databaseUrl,
        `select coalesce(max(extract(epoch from now() - query_start)), 0)::float as seconds from pg_stat_activity
         where datname = current_database() and application_name = 'tidemark' and wait_event_type = 'Lock'`,
      )
      expect(oldest?.seconds).toBeLessThan(4)
      await lock.release()
      await until('everybody is served', () => readers.every((reader) => reader.provider.synced), { timeout: 20_000 })
    } finally {
      for (const reader of readers) reader[Symbol.dispose]()
    }
    await until('nothing is left waiting', async () => (await waiting(databaseUrl)) === 0)
  })

  test('a statement_timeout of the database that is shorter than a commit does not count', async () => {
    const databaseUrl = await freshDatabase()
    const name = new URL(databaseUrl).pathname.slice(1)
    await query(databaseUrl, `alter database "${name}" set statement_timeout = '300ms'`)
    await using server = await ServerProcess.start({ databaseUrl })
    using writer = await author(server)
    await query(
      databaseUrl,
      `create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.9); return new; end';
       create trigger slow before insert on tidemark_store.updates for each row execute function slow()`,
    )
    writer.write()
    await writer.drained(5_000)
  })
})

describe('[R7.10] connections that died without a word', () => {
  test.each([
    { what: 'all of them, the network is usable at once', away: 0 },
    { what: 'all of them, and the network is away for 7 s', away: 7_000 },
  ])('$what: an edit is saved within seconds', async ({ away }) => {
    const databaseUrl = await freshDatabase()
    const target = new URL(databaseUrl)
    await using proxy = await TcpProxy.to(Number(target.port))
    target.port = String(proxy.port)
    await using server = await ServerProcess.start({ databaseUrl: target.href })
    using writer = await author(server)
    proxy.become('blackhole')
    if (away === 0) proxy.become('clear')
    const edit = writer.write()
    if (away > 0) {
      await pause(away)
      expect((await fetch(`${server.http}/readyz`)).status).toBe(503)
      expect(writer.ledger.acknowledged.size).toBe(1)
      proxy.become('clear')
    }
    await writer.drained(8_000)
    expect(await readEdits({ url: server.sync, document: 'plan' })).toContain(edit)
    await until('it is ready', async () => (await fetch(`${server.http}/readyz`)).status === 200, { timeout: 5_000 })
  })

  test('also when the connection that asks how the others are is among them', async () => {
    const databaseUrl = await freshDatabase()
    const target = new URL(databaseUrl)
    await using proxy = await TcpProxy.to(Number(target.port))
    target.port = String(proxy.port)
    await using server = await ServerProcess.start({ databaseUrl: target.href })
    using writer = await author(server)
    expect((await fetch(`${server.http}/readyz`)).status).toBe(200)
    proxy.become('blackhole')
    proxy.become('clear')
    writer.write()
    await writer.drained(7_000)
  })

  test('a cold document opens within seconds, too', async () => {
    const databaseUrl = await freshDatabase()
    const target = new URL(databaseUrl)
    await using proxy = await TcpProxy.to(Number(target.port))
    target.port = String(proxy.port)
    await using server = await ServerProcess.start({ databaseUrl: target.href })
    using _writer = await author(server)
    proxy.become('blackhole')
    proxy.become('clear')
    using newcomer = new Writer({ url: server.sync, document: 'cold' })
    await within('the newcomer is served', 12_000, newcomer.synced())
  })

  test('the connections are ended in the database while a statement waits: it is sent again, and stored', async () => {
    const databaseUrl = await freshDatabase()
    await using server = await ServerProcess.start({ databaseUrl })
    using writer = await author(server)
    await using lock = await holdLock(databaseUrl, 'lock table tidemark_store.updates in share mode')
    writer.write()
    await until('the commit waits', async () => (await waiting(databaseUrl)) === 1)
    await query(
      databaseUrl,
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'tidemark'`,
    )
    await lock.release()
    await writer.drained(5_000)
    expect(server.running).toBe(true)
  })
})

describe('[R7.3] a newer server changes the schema under a running one', () => {
  test('it stores and acknowledges nothing more, says so, and its clients keep their edits', async () => {
    const databaseUrl = await freshDatabase()
    await using server = await ServerProcess.start({ databaseUrl })
    using writer = await author(server)
    await query(databaseUrl, `insert into tidemark_store.migrations (name) values ('9999-of-a-newer-server')`)
    await pause(1_100)
    const before = await storedUpdates(databaseUrl)
    writer.write()
    await until('its clients are told', () => writer.told.includes('storage-unavailable'))
    await pause(1_000)
    expect(writer.ledger.acknowledged.size).toBe(1)
    expect(await storedUpdates(databaseUrl)).toBe(before)
    const readiness = await fetch(`${server.http}/readyz`)
    expect(readiness.status).toBe(503)
    expect(JSON.stringify(server.log)).toContain('9999-of-a-newer-server')
    using newcomer = new Writer({ url: server.sync, document: 'cold' })
    await pause(1_000)
    expect(newcomer.provider.synced).toBe(false)
    await query(databaseUrl, `delete from tidemark_store.migrations where name like '9999%'`)
    await writer.drained()
  })
})

test('[R5.8] sessions that began while the database was set to read only do not stay so', async () => {
  const databaseUrl = await freshDatabase()
  await using server = await ServerProcess.start({ databaseUrl })
  using writer = await author(server)
  await setReadOnly(databaseUrl, true)
  await endConnections(databaseUrl)
  writer.write()
  await until('its people are told', () => writer.told.includes('storage-unavailable'))
  await setReadOnly(databaseUrl, false)
  await writer.drained(10_000)
})

describe('[W2] a server that nobody uses', () => {
  test('says that its database is read-only, and that it is not any more', async () => {
    await using cluster = await PostgresCluster.create()
    const databaseUrl = await cluster.createDatabase('idle')
    await using server = await ServerProcess.start({ databaseUrl })
    const readiness = async () => {
      const response = await fetch(`${server.http}/readyz`)
      return { status: response.status, ...((await response.json()) as { reasons?: string[] }) }
    }
    expect((await readiness()).status).toBe(200)
    await query(databaseUrl, 'alter system set default_transaction_read_only = on')
    await query(databaseUrl, 'select pg_reload_conf()')
    const told = await until('it is not ready', async () => {
      const state = await readiness()
      return state.status === 503 && state
    })
    expect(told.reasons).toEqual(['the database is read-only'])
    // and a server that is started then says so, too
    await server.restart()
    expect((await readiness()).status).toBe(503)
    await query(databaseUrl, 'alter system reset default_transaction_read_only')
    await query(databaseUrl, 'select pg_reload_conf()')
    await until('it is ready', async () => (await readiness()).status === 200)
  })
})
