import 'fake-indexeddb/auto'
import { systemClock } from '@tidemark/shared'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { IndexeddbPersistence } from 'y-indexeddb'
import * as Y from 'yjs'
import { HandClock } from '../test-helpers/hand-clock.ts'
import { until } from '../test-helpers/until.ts'
import { storeContract } from './contract.ts'
import { pendingIn } from './dirty-mark.ts'
import { customStore, openDatabase, resultOf, updatesStore } from './idb.ts'
import { IndexeddbStore } from './indexeddb-store.ts'
import { IndexeddbStores } from './indexeddb-stores.ts'
import type { StoreEvents } from './local-store.ts'
import { databaseName } from './names.ts'

const means = { namespace: '', clock: systemClock, openTimeLimit: 500 }
let names = 0
let openings = 0

async function rowsOf(name: string): Promise<Uint8Array[]> {
  const { database } = await openDatabase(name)
  const rows = await resultOf(database.transaction(updatesStore).objectStore(updatesStore).getAll())
  database.close()
  return rows
}

async function customKeysOf(name: string): Promise<string[]> {
  const { database } = await openDatabase(name)
  const keys = await resultOf(database.transaction(customStore).objectStore(customStore).getAllKeys())
  database.close()
  return keys.map(String)
}

function opening(name = `store-${++names}`, more: Partial<typeof means> = {}) {
  const doc = new Y.Doc()
  const told: string[] = []
  const events: StoreEvents = {
    failed: ({ code }) => told.push(code),
    recovered: () => told.push('recovered'),
    lost: ({ code }) => told.push(`lost: ${code}`),
  }
  const id = `opening-${++openings}`
  const store = new IndexeddbStore({ document: name, doc, opening: id }, { ...means, ...more }, events)
  onTestFinished(() => store.close())
  let position = 0
  const write = (text: string) => {
    const before = Y.encodeStateVector(doc)
    doc.getText('t').insert(doc.getText('t').length, text)
    return store.append(Y.encodeStateAsUpdate(doc, before), ++position)
  }
  const load = async () => {
    const { marks } = await store.load()
    return pendingIn(marks.values())
  }
  return { name, doc, id, store, told, write, load }
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('the IndexedDB stores', () => {
  storeContract(() => ({
    stores: new IndexeddbStores({ ...means, namespace: 'contract' }),
    async putRow(document, row) {
      const { database } = await openDatabase(databaseName('contract', document))
      await resultOf(database.transaction(updatesStore, 'readwrite').objectStore(updatesStore).add(row))
      database.close()
    },
  }))
})

describe('[C1] [C10] it is y-indexeddb', () => {
  test('closed while much is being written, it leaves no timer behind', async () => {
    const clock = new HandClock()
    const { store, write } = opening(undefined, { clock })
    await store.load()
    const written = Array.from({ length: 600 }, () => write('x'))
    await store.close()
    await Promise.all(written)
    expect(clock.pending).toBe(0)
  })

  test('what an app stored with y-indexeddb opens here, and the other way round', async () => {
    const name = `store-${++names}`
    const theirs = new IndexeddbPersistence(name, new Y.Doc())
    await theirs.whenSynced
    theirs.doc.getText('t').insert(0, 'theirs')
    await theirs.set('app', 'setting')
    await theirs.destroy()

    const ours = opening(name)
    expect(await ours.store.load()).toEqual({ copy: name, marks: new Map(), history: null, account: null })
    expect(ours.doc.getText('t').toString()).toBe('theirs')
    await ours.write(' and ours')
    await ours.store.close()

    const again = new IndexeddbPersistence(name, new Y.Doc())
    await again.whenSynced
    expect(again.doc.getText('t').toString()).toBe('theirs and ours')
    expect(await again.get('app')).toBe('setting')
    await again.destroy()
  })

  test('opening adds no row', async () => {
    const { name, store, write } = opening()
    await store.load()
    await write('a')
    await store.close()
    for (let index = 0; index < 3; index++) {
      const again = opening(name)
      await again.store.load()
      await again.store.close()
    }
    expect(await rowsOf(name)).toHaveLength(1)
  })
})

describe('[R3.1] the dirty mark', () => {
  test('is in the transaction of the edit: a write that fails leaves neither', async () => {
    const { name, store, write } = opening()
    await store.load()
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('no', 'UnknownError')
    })
    void write('a').catch(() => {})
    await until('the write has failed', async () => (await rowsOf(name)).length === 0)
    expect(await customKeysOf(name)).toEqual([])
  })
})

describe('[R5] failures reach somebody', () => {
  test('[R2.3] opening that fails is an error with a code', async () => {
    vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw new DOMException('denied', 'SecurityError')
    })
    const { store } = opening()
    await expect(store.load()).rejects.toMatchObject({ code: 'local-storage-unavailable' })
  })

  test('opening that hangs is an error after its time limit, and does not stay open when it succeeds later', async () => {
    const open = indexedDB.open.bind(indexedDB)
    let late: IDBOpenDBRequest | undefined
    vi.spyOn(indexedDB, 'open').mockImplementation((name) => {
      late = open(name)
      return Object.create(late, { onsuccess: { set() {} }, onupgradeneeded: { set() {} } }) as IDBOpenDBRequest
    })
    const { store } = opening(undefined, { openTimeLimit: 20 })
    await expect(store.load()).rejects.toMatchObject({ code: 'local-storage-unavailable' })
    expect(late).toBeDefined()
    await store.close()
  })

  test('a full device is told once, the edits are kept, and stored when there is space again', async () => {
    const clock = new HandClock()
    const { name, store, told, write } = opening(undefined, { clock })
    await store.load()
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })
    const writes = [write('a'), write('b'), write('c')]
    await until('it is told', () => told.length > 0)
    clock.advance(1_000)
    clock.advance(2_000)
    expect(told).toEqual(['local-storage-full'])
    add.mockRestore()
    clock.advance(4_000)
    await Promise.all(writes)
    expect(told).toEqual(['local-storage-full', 'recovered'])
    expect(await rowsOf(name)).toHaveLength(3)
    const again = opening(name)
    expect(await again.load()).toBe(3)
  })

  test('a write settles when its transaction has completed, not when its request has', async () => {
    const { store, told, write } = opening(undefined, { clock: new HandClock() })
    await store.load()
    const add = IDBObjectStore.prototype.add
    vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementationOnce(function (this: IDBObjectStore, value) {
      const request = add.call(this, value)
      request.addEventListener('success', () => this.transaction.abort())
      return request
    })
    let isStored = false
    void write('a').then(() => {
      isStored = true
    })
    await until('the abort is told', () => told.length > 0)
    expect(isStored).toBe(false)
    expect(told).toEqual(['local-storage-failed'])
  })

  test('a connection that the browser closed is opened again, and no write is lost', async () => {
    const { name, doc, store, told, write } = opening()
    await store.load()
    await write('a')
    // Safari drops it like this, without an event
    store.db?.close()
    await write('b')
    // others say so
    const before = store.db
    before?.close()
    before?.onclose?.(new Event('close'))
    await write('c')
    expect(told).toEqual(['local-storage-failed', 'recovered'])
    await store.close()
    const again = opening(name)
    expect(await again.load()).toBe(3)
    expect(again.doc.getText('t').toString()).toBe(doc.getText('t').toString())
  })

  test('[H9] a database that another tab deletes is not brought back by this one', async () => {
    const { name, store, told, write } = opening()
    await store.load()
    await write('secret')
    await resultOf(indexedDB.deleteDatabase(name))
    expect(told).toEqual(['lost: local-storage-unavailable'])
    await expect(write('more')).rejects.toMatchObject({ code: 'local-storage-unavailable' })
    expect((await indexedDB.databases()).map((database) => database.name)).not.toContain(name)
  })
})
