import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { storeContract } from '../../store/contract.ts'
import { openDatabase, updatesStore } from '../../store/idb.ts'
import { IndexeddbStores } from '../../store/indexeddb-stores.ts'
import { databaseName } from '../../store/names.ts'
import { indexedDBOf } from '../../test-helpers/indexeddb-of.ts'
import { createWorld, type Device, type Tab, type World } from '../index.ts'

/** Whose IndexedDB is the global one just now. */
let current: Tab
let world: World
let device: Device

function aWorld(): void {
  world = createWorld({ diskDelay: { least: 0, most: 2 } })
  device = world.device('laptop')
  current = device.openTab()
}

indexedDBOf(() => current)

describe('the real local store keeps its contract on the simulated IndexedDB', () => {
  let isOver = false
  beforeAll(() => {
    const run = async () => {
      while (!isOver) await world.advanceTime(1)
    }
    void run()
  })
  afterAll(() => {
    isOver = true
  })
  storeContract(() => {
    aWorld()
    const { clock, world: tabs } = current
    return {
      stores: new IndexeddbStores({ namespace: 'n', clock, tabs, openTimeLimit: 5_000 }),
      async putRow(document, row) {
        const { database } = await openDatabase(databaseName('n', document))
        const transaction = database.transaction(updatesStore, 'readwrite')
        transaction.objectStore(updatesStore).add(row)
        await new Promise((resolve) => {
          transaction.oncomplete = resolve
        })
        database.close()
      },
    }
  })
})

describe('[B6] the simulated IndexedDB does what a browser does', () => {
  beforeEach(aWorld)

  async function open(name = 'd'): Promise<IDBDatabase> {
    const request = current.indexedDB.open(name)
    request.onupgradeneeded = () => request.result.createObjectStore(updatesStore, { autoIncrement: true })
    await world.advanceTime(20)
    return request.result
  }

  /** What comes of a request or a transaction. */
  function heard(target: IDBRequest | IDBTransaction | IDBDatabase): string[] {
    const events: string[] = []
    for (const type of ['success', 'error', 'blocked', 'complete', 'abort', 'close', 'versionchange']) {
      target.addEventListener(type, () => events.push(type))
    }
    return events
  }

  const rows = () =>
    [...device.indexeddb.databases.values()].map(({ stores }) => stores.get(updatesStore)?.keys().length)

  test('a transaction that is aborted has never been', async () => {
    const database = await open()
    const transaction = database.transaction(updatesStore, 'readwrite')
    const events = heard(transaction)
    transaction.objectStore(updatesStore).add('a')
    transaction.objectStore(updatesStore).add('b').onsuccess = () => transaction.abort()
    await world.advanceTime(20)
    expect(events).toEqual(['abort'])
    expect(rows()).toEqual([0])
  })

  test('deleting waits for connections that do not close, and says so', async () => {
    const database = await open()
    const told = heard(database)
    const request = current.indexedDB.deleteDatabase('d')
    const events = heard(request)
    const opening = openDatabase('d')
    await world.advanceTime(1_000)
    expect([told, events]).toEqual([['versionchange'], ['blocked']])
    database.close()
    await world.advanceTime(100)
    expect(events).toEqual(['blocked', 'success'])
    expect((await opening).isNew).toBe(true)
  })

  test('a tab that is gone has closed its connections and completed nothing more', async () => {
    const database = await open()
    device.indexeddb.delay = 5
    database.transaction(updatesStore, 'readwrite').objectStore(updatesStore).add('a')
    await world.advanceTime(0)
    current.crash()
    expect(device.indexeddb.databases.get('d')?.connections.size).toBe(0)
    expect(device.indexeddb.databases.get('d')?.transactions).toEqual([])
  })

  test.each([
    ['fails', ['abort']],
    ['full', ['abort']],
    ['silent', []],
  ] as const)('a commit that %s', async (outcome, expected) => {
    const database = await open()
    device.indexeddb.outcomeOf = (kind) => (kind === 'commit' ? outcome : 'well')
    const transaction = database.transaction(updatesStore, 'readwrite')
    const events = heard(transaction)
    transaction.objectStore(updatesStore).add('a')
    await world.advanceTime(1_000)
    expect(events).toEqual(expected)
    if (outcome !== 'silent') expect(rows()).toEqual([0])
  })

  test('what is cleared while it is open is closed, with a word', async () => {
    const database = await open()
    const events = heard(database)
    device.clearStorage()
    await world.advanceTime(10)
    expect(events).toEqual(['close'])
    expect(() => database.transaction(updatesStore)).toThrow('closed')
    expect(rows()).toEqual([])
  })
})
