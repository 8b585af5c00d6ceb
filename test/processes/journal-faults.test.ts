import { HocuspocusProvider } from '@hocuspocus/provider'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { typing } from '../helpers/load.ts'
import { freshDatabase, query } from '../helpers/postgres.ts'
import { holdLock } from '../helpers/postgres-faults.ts'
import { ServerProcess } from '../helpers/server.ts'
import { TcpProxy } from '../helpers/tcp-proxy.ts'
import { pause, until, within } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

/** A snapshot as soon as one is due. */
const eager = { TIDEMARK_SNAPSHOT_DEBOUNCE_MS: '10', TIDEMARK_SNAPSHOT_MAX_DEBOUNCE_MS: '20' }

/** What the journal alone holds. */
async function journaled(url: string): Promise<unknown[]> {
  const doc = new Y.Doc()
  const rows = await query<{ bytes: Buffer }>(url, 'select bytes from tidemark_store.updates order by revision')
  for (const { bytes } of rows) Y.applyUpdate(doc, bytes)
  return doc.getArray('edits').toJSON()
}

async function open(server: ServerProcess, name: string): Promise<HocuspocusProvider> {
  const provider = new HocuspocusProvider({ url: server.sync, name, token: 'x' })
  await until('synced', () => provider.synced)
  return provider
}

const saved = (provider: HocuspocusProvider) =>
  until('saved', () => provider.synced && !provider.hasUnsyncedChanges, { timeout: 20_000 })

test('[R7.13] [R1.1] a snapshot while commits wait, kill -9, a restart: "saved" means that the journal has it', async () => {
  const databaseUrl = await freshDatabase()
  await using server = await ServerProcess.start({ databaseUrl, env: eager })
  const ada = await open(server, 'plan')
  const edits = ada.document.getArray<string>('edits')
  edits.push(['first'])
  await saved(ada)
  const { release } = await holdLock(databaseUrl, 'lock table tidemark_store.updates in share mode')
  for (const word of ['a', 'b', 'c']) edits.push([word.repeat(20_000)])
  await pause(800)
  await server.kill9()
  await release()
  await until('no statement of the dead server is left', async () => {
    const left = await query(
      databaseUrl,
      `select from pg_stat_activity where application_name = 'tidemark' and datname = current_database()`,
    )
    return left.length === 0
  })
  await server.start()
  await saved(ada)
  edits.push(['last'])
  await saved(ada)
  expect(await journaled(databaseUrl)).toEqual(edits.toJSON())
  ada.destroy()
})

test('[R7.14] a failover that lost commits, snapshots, kill -9: nothing acknowledged is missing, and it was reported', async () => {
  const databaseUrl = await freshDatabase()
  await using server = await ServerProcess.start({ databaseUrl, env: eager })
  using writer = new Writer({ url: server.sync, document: 'plan' })
  using idle = new Writer({ url: server.sync, document: 'idle' })
  for (const each of [writer, idle]) {
    await each.synced()
    for (let edit = 0; edit < 10; edit++) {
      each.write()
      await each.drained()
    }
  }
  await query(databaseUrl, 'update tidemark_store.documents set head = 5')
  await query(databaseUrl, 'delete from tidemark_store.updates where revision > 5')
  for (let edit = 0; edit < 300; edit++) writer.write()
  await writer.drained()
  // somebody opens the document that nobody edits
  expect(await readEdits({ url: server.sync, document: 'idle' })).toHaveLength(10)
  await until('both are reported', () => server.log.filter(({ code }) => code === 'database-set-back').length === 2)
  await pause(300)
  await server.kill9()
  const acknowledged = { plan: writer.acknowledged, idle: idle.acknowledged }
  writer[Symbol.dispose]()
  idle[Symbol.dispose]()
  await server.start()
  expect(await readEdits({ url: server.sync, document: 'plan' })).toEqual(expect.arrayContaining(acknowledged.plan))
  expect(await readEdits({ url: server.sync, document: 'idle' })).toEqual(expect.arrayContaining(acknowledged.idle))
})

describe('[R6.18] one document cannot be stored', () => {
  test.each([
    { what: 'its row is locked', code: null },
    { what: 'the database has an internal error for it', code: 'XX001' },
  ])('$what: its people are told, the others are saved, the server is ready', async ({ code }) => {
    const databaseUrl = await freshDatabase()
    await using server = await ServerProcess.start({ databaseUrl })
    using ada = new Writer({ url: server.sync, document: 'stuck' })
    using ben = new Writer({ url: server.sync, document: 'well' })
    for (const each of [ada, ben]) {
      await each.synced()
      each.write()
      await each.drained()
    }
    let mend: () => Promise<unknown>
    if (code === null) {
      mend = (await holdLock(databaseUrl, `select from tidemark_store.documents where name = 'stuck' for update`))
        .release
    } else {
      const [stuck] = await query<{ id: string }>(
        databaseUrl,
        `select id from tidemark_store.documents where name = 'stuck'`,
      )
      await query(
        databaseUrl,
        `create function fail() returns trigger language plpgsql as $$ begin
           if new.document_id = ${stuck?.id} then raise exception 'invalid page' using errcode = '${code}'; end if;
           return new; end $$;
         create trigger fail before insert on tidemark_store.updates for each row execute function fail()`,
      )
      mend = () => query(databaseUrl, 'drop trigger fail on tidemark_store.updates')
    }
    const began = performance.now()
    ada.write()
    while (performance.now() - began < 3_000) {
      ben.write()
      await ben.drained(1_500)
      expect((await fetch(`${server.http}/readyz`)).status).toBe(200)
    }
    expect(ada.told).toEqual(['storage-unavailable'])
    expect(ben.told).toEqual([])
    expect(ada.serverMessages.at(-1)?.at).toBeLessThan(began + 2_500)
    await mend()
    await ada.drained(5_000)
    await until('she is told that it is over', () =>
      ada.serverMessages.some(({ message }) => message.tidemark === 'recovered'),
    )
    expect(ben.serverMessages.filter(({ message }) => message.tidemark === 'recovered')).toEqual([])
    const stored = await query(
      databaseUrl,
      'select from tidemark_store.updates u join tidemark_store.documents d on d.id = u.document_id where name = $1',
      ['stuck'],
    )
    expect(stored).toHaveLength(2)
  })
})

test('[W3] a shutdown under load, with the database 24 ms away: it drains, and exits with 0', async () => {
  const databaseUrl = await freshDatabase()
  const target = new URL(databaseUrl)
  await using proxy = await TcpProxy.to(Number(target.port))
  proxy.delay(12)
  target.port = String(proxy.port)
  await using server = await ServerProcess.start({ databaseUrl: target.href })
  const writers = Array.from({ length: 8 }, (_, index) => new Writer({ url: server.sync, document: `plan ${index}` }))
  await Promise.all(writers.map((writer) => writer.synced()))
  const typists = typing(writers, { pauseMs: 1 })
  try {
    await pause(1_000)
    const asked = performance.now()
    server.signal('SIGTERM')
    const exit = await within('it stops', 9_000, server.exited)
    expect(exit).toEqual({ code: 0, signal: null })
    expect(performance.now() - asked).toBeLessThan(6_000)
  } finally {
    await typists.stop()
  }
  const acknowledged = writers.map((writer) => writer.acknowledged)
  for (const writer of writers) writer[Symbol.dispose]()
  await server.start()
  for (const [index, edits] of acknowledged.entries()) {
    expect(edits.length).toBeGreaterThan(0)
    expect(await readEdits({ url: server.sync, document: `plan ${index}` })).toEqual(expect.arrayContaining(edits))
  }
})
