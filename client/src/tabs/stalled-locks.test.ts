import 'fake-indexeddb/auto'
import { describe, expect, test } from 'vitest'
import { pendingIn } from '../store/dirty-mark.ts'
import { openDatabase, resultOf, updatesStore } from '../store/idb.ts'
import { databaseName } from '../store/names.ts'
import { readRecordsOf } from '../store/rows.ts'
import { listenTo, personAt, textOf, write } from '../test-helpers/person.ts'
import { startStockServer } from '../test-helpers/stock-server.ts'
import { createWorld } from '../testing/index.ts'
import { browserWorld } from './browser-world.ts'
import type { Locks, TabWorld } from './world.ts'

/** A browser that answers nobody who asks for a lock, for now: so it is in a page that is prerendered. */
function stalling() {
  const answering = Promise.withResolvers<void>()
  const real = browserWorld.locks!
  const locks: Locks = {
    request: async (name, options, callback) => {
      await answering.promise
      return real.request(name, options, callback)
    },
    query: async () => {
      await answering.promise
      return real.query()
    },
  }
  const tabs: TabWorld = { ...browserWorld, locks }
  return { tabs, answer: answering.resolve }
}

async function storedOf(name: string) {
  const { database } = await openDatabase(name)
  const { marks } = await readRecordsOf(database)
  const rows = await resultOf(database.transaction(updatesStore).objectStore(updatesStore).count())
  database.close()
  return { rows, pending: pendingIn(marks.values()) }
}

describe('[D1.9] a browser that does not answer who asks for a lock', () => {
  test('the document opens from the local store, keeps what is written there, and is sent when the answer comes', async () => {
    await using server = await startStockServer()
    const { namespace, client: before } = personAt(server.url)
    write(before.open('plan'), 'stored ')
    await before.open('plan').flush()
    await before.close()
    const { tabs, answer } = stalling()
    const { client } = personAt(server.url, { namespace, tabs, openTimeLimit: 1_500 })
    const document = client.open('plan')
    const heard = listenTo(document)
    await document.whenLoaded
    expect([textOf(document), document.status.localStore]).toEqual(['stored ', { kind: 'indexeddb' }])
    write(document, 'and more')
    // longer than opening may take
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(document.status.localStore).toEqual({ kind: 'indexeddb' })
    expect([heard.errors, document.pendingCount, document.isLeader]).toEqual([[], 1, false])
    expect((await storedOf(databaseName(namespace, 'plan'))).pending).toBe(1)
    answer()
    await document.flush()
    expect([document.isLeader, document.status.kind]).toEqual([true, 'saved'])
  })

  test('whatever is asked for settles all the same', async () => {
    const { tabs } = stalling()
    const { client, namespace } = personAt('ws://127.0.0.1:1/sync', { tabs })
    const document = client.open('plan')
    write(document, 'early')
    await document.whenLoaded
    await document.whenTabsAgree()
    await expect(document.flush({ timeout: 50 })).rejects.toMatchObject({ code: 'flush-timeout' })
    await document.setAside()
    await document.close()
    const again = client.open('plan')
    await again.whenLoaded
    write(again, 'kept')
    const result = await client.signOut({ flush: false })
    expect(result).toMatchObject({ drained: false, wiped: false })
    expect((await storedOf(`${databaseName(namespace, 'plan')}//1`)).pending).toBe(1)
  })

  test('[R3.2] what it has edited while it was loading is told, and sent by the tab that leads', async () => {
    const world = createWorld({ seed: 4 })
    const device = world.device('laptop')
    const leader = device.openTab().createClient().open('plan')
    await world.settle()
    const tab = device.openTab({ prerendered: true })
    const prerendered = tab.createClient().open('plan')
    prerendered.doc.getText('t').insert(0, 'hasty')
    await world.advanceTime(5_000)
    expect([leader.doc.getText('t').toString(), leader.status.kind, prerendered.pendingCount]).toEqual([
      ...['hasty', 'saved', 0],
    ])
    expect(world.server.committed('plan').getText('t').toString()).toBe('hasty')
    expect(device.stored('plan')!.pendingCount).toBe(0)
  })

  test('once it comes the tab meets the others: nothing is lost or doubled, and one leads', async () => {
    const world = createWorld({ seed: 4 })
    const device = world.device('laptop')
    const early = device.openTab().createClient().open('plan')
    await world.settle()
    const tab = device.openTab({ prerendered: true })
    const prerendered = tab.createClient().open('plan')
    await world.advanceTime(20_000)
    expect(prerendered.status.localStore.kind).toBe('indexeddb')
    prerendered.doc.getText('t').insert(0, 'p')
    early.doc.getText('t').insert(0, 'e')
    await world.advanceTime(20_000)
    tab.activate()
    await world.settle()
    expect([...world.server.committed('plan').getText('t').toString()].sort().join('')).toBe('ep')
    expect(prerendered.doc.getText('t').toString()).toBe(early.doc.getText('t').toString())
    expect([early.isLeader, prerendered.isLeader].filter(Boolean)).toHaveLength(1)
    expect([early.status.kind, prerendered.status.kind]).toEqual(['saved', 'saved'])
  })
})
