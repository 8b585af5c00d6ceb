import { describe, expect, test } from 'vitest'
import { typing } from '../helpers/load.ts'
import { PostgresCluster } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

describe('[R1.5] [R5.5] [R3.3] Postgres goes away while people write, and comes back', () => {
  test('for 10 s: acks wait, everybody is told within 2 s, and afterwards everything is saved', async () => {
    await using cluster = await PostgresCluster.create()
    await using server = await ServerProcess.start({ databaseUrl: await cluster.createDatabase('outage') })
    using ada = new Writer({ url: server.sync, document: 'plan', name: 'ada' })
    using ben = new Writer({ url: server.sync, document: 'plan', name: 'ben' })
    using eve = new Writer({ url: server.sync, document: 'notes', name: 'eve' })
    const writers = [ada, ben, eve]
    await Promise.all(writers.map((writer) => writer.synced()))
    const typists = typing(writers, { pauseMs: 30 })
    await pause(700)
    const savedBefore = writers.map((writer) => writer.ledger.acknowledged.size)
    expect(Math.min(...savedBefore)).toBeGreaterThan(0)

    const stopped = performance.now()
    await cluster.stop()
    await until('everybody is told', () => writers.every((writer) => writer.told.includes('storage-unavailable')))
    for (const writer of writers) {
      const told = writer.serverMessages.find(({ message }) => message.tidemark === 'error')
      expect(told?.at, `${writer.name} is told`).toBeLessThan(stopped + 2000)
    }
    const savedWhenTold = writers.map((writer) => writer.ledger.acknowledged.size)
    await expectStatus(server, '/readyz', 503)
    await expectStatus(server, '/livez', 200)

    const heard = ben.write()
    await until('a peer receives an edit that is not durable yet', () => ada.edits.toArray().includes(heard))
    await pause(Math.max(0, 10_000 - (performance.now() - stopped)))
    expect(writers.map((writer) => writer.ledger.acknowledged.size)).toEqual(savedWhenTold)
    for (const writer of writers) expect(writer.ledger.refusals, `${writer.name} was refused nothing`).toBe(0)

    await cluster.start()
    await typists.stop()
    await Promise.all(writers.map((writer) => writer.drained(15_000)))
    for (const writer of writers) {
      expect(writer.ledger.violations).toEqual([])
      await until(`${writer.name} is told that it is over`, () =>
        writer.serverMessages.some(({ message }) => message.tidemark === 'recovered'),
      )
    }
    await until('the server is ready again', async () => (await fetch(`${server.http}/readyz`)).status === 200)

    const saved = { plan: [...ada.acknowledged, ...ben.acknowledged], notes: eve.acknowledged }
    expect(saved.plan).toHaveLength(ada.made + ben.made)
    for (const writer of writers) writer[Symbol.dispose]()
    await server.restart()
    for (const [document, edits] of Object.entries(saved)) {
      expect((await readEdits({ url: server.sync, document })).sort()).toEqual(edits.sort())
    }
  })

  test('an author who leaves during the outage, and a newcomer who arrives in it, lose nothing', async () => {
    await using cluster = await PostgresCluster.create()
    await using server = await ServerProcess.start({ databaseUrl: await cluster.createDatabase('outage') })
    const author = new Writer({ url: server.sync, document: 'plan' })
    await author.synced()
    author.write()
    await author.drained()

    await cluster.crash()
    const unsaved = author.write()
    await until('the author is told', () => author.told.includes('storage-unavailable'))
    author[Symbol.dispose]()
    using newcomer = new Writer({ url: server.sync, document: 'never-opened-before' })
    await pause(1500)
    expect(newcomer.provider.synced, 'nobody can open a document whose content cannot be read').toBe(false)

    await cluster.start()
    await until('the newcomer is served without doing anything', () => newcomer.provider.synced, { timeout: 20_000 })
    newcomer.write()
    await newcomer.drained()
    await until(
      'the edit whose author left is stored',
      async () => {
        await server.restart()
        return (await readEdits({ url: server.sync, document: 'plan' })).includes(unsaved)
      },
      { interval: 500, timeout: 15_000 },
    )
  })
})

async function expectStatus(server: ServerProcess, path: string, status: number): Promise<void> {
  await until(`${path} answers ${status}`, async () => (await fetch(server.http + path)).status === status, {
    timeout: 3000,
  })
}
