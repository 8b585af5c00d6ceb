import { describe, expect, test } from 'vitest'
import { typing } from '../helpers/load.ts'
import { freshDatabase, PostgresCluster } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until, within } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

describe('[W3] the server is asked to stop', () => {
  test.each([{ storage: 'Postgres' }, { storage: 'PGlite' }])(
    'while people write, on $storage: exit code 0, sockets closed with 1012, everything acknowledged is there',
    async ({ storage }) => {
      const database = storage === 'Postgres' ? { databaseUrl: await freshDatabase() } : {}
      await using server = await ServerProcess.start(database)
      using ada = new Writer({ url: server.sync, document: 'plan' })
      using ben = new Writer({ url: server.sync, document: 'plan' })
      await Promise.all([ada.synced(), ben.synced()])
      const typists = typing([ada, ben])
      await pause(400)
      const exit = await server.stop()
      expect(exit).toEqual({ code: 0, signal: null })
      await until('both sockets are closed', () => [ada, ben].every((writer) => writer.closes.length > 0))
      await typists.stop()
      for (const writer of [ada, ben]) {
        expect(writer.closes.map(({ code }) => code)).toContain(1012)
        expect(writer.closes.find(({ code }) => code === 1012)?.reason).toBe('server-restarting')
        expect(writer.ledger.violations).toEqual([])
      }
      const saved = [...ada.acknowledged, ...ben.acknowledged]
      expect(saved.length).toBeGreaterThan(0)
      for (const writer of [ada, ben]) writer[Symbol.dispose]()
      await server.start()
      expect(await readEdits({ url: server.sync, document: 'plan' })).toEqual(expect.arrayContaining(saved))
    },
  )

  test('while the database is away: it is not ready, waits for its time limit, and says that edits were not saved', async () => {
    await using cluster = await PostgresCluster.create()
    await using server = await ServerProcess.start({
      databaseUrl: await cluster.createDatabase('shutdown'),
      env: { TIDEMARK_SHUTDOWN_MS: '2500' },
    })
    using writer = await withUnsavedEdit(cluster, server)
    const asked = performance.now()
    server.signal('SIGTERM')
    await pause(300)
    expect(await ready(server)).toBe(false)
    const exit = await within('it gives up', 10_000, server.exited)
    expect(exit.code, 'something was left').toBe(1)
    expect(performance.now() - asked).toBeGreaterThan(2000)
    expect(server.log).toContainEqual(expect.objectContaining({ level: 'error', updates: 1 }))
    expect(writer.ledger.acknowledged.size).toBe(1)
  })

  test('twice: the second signal forces', async () => {
    await using cluster = await PostgresCluster.create()
    await using server = await ServerProcess.start({
      databaseUrl: await cluster.createDatabase('shutdown'),
      env: { TIDEMARK_SHUTDOWN_MS: '60000' },
    })
    using _writer = await withUnsavedEdit(cluster, server)
    server.signal('SIGTERM')
    await pause(1000)
    expect(server.running).toBe(true)
    server.signal('SIGTERM')
    const exit = await within('it is forced', 2000, server.exited)
    expect(exit.code).not.toBe(0)
  })
})

/** One edit saved, one that cannot be. */
async function withUnsavedEdit(cluster: PostgresCluster, server: ServerProcess): Promise<Writer> {
  const writer = new Writer({ url: server.sync, document: 'plan' })
  await writer.synced()
  writer.write()
  await writer.drained()
  await cluster.stop()
  writer.write()
  await pause(200)
  return writer
}

async function ready(server: ServerProcess): Promise<boolean> {
  // a server that accepts nobody any more is not ready either
  return fetch(`${server.http}/readyz`).then(
    (response) => response.status === 200,
    () => false,
  )
}
