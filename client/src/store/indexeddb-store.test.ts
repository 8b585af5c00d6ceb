import 'fake-indexeddb/auto'
import { systemClock } from '@tidemark/shared'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { IndexeddbPersistence } from 'y-indexeddb'
import * as Y from 'yjs'
import { HandClock } from '../test-helpers/hand-clock.ts'
import { until } from '../test-helpers/until.ts'
import { storeContract } from './contract.ts'
import { pendingIn } from './dirty-mark.ts'
import { completionOf, customStore, openDatabase, resultOf, updatesStore } from './idb.ts'
import { IndexeddbStore } from './indexeddb-store.ts'
import { IndexeddbStores } from './indexeddb-stores.ts'
import type { StoreEvents } from './local-store.ts'
import { databaseName } from './names.ts'
import { readRecordsOf } from './rows.ts'

const means = { namespace: '', clock: systemClock, openTimeLimit: 500 }
let names = 0
let openings = 0

async function rowsOf(name: string): Promise<Uint8Array[]> {
  const { database } = await openDatabase(name)
  const rows = await resultOf(database.transaction(updatesStore).objectStore(updatesStore).getAll())
  database.close()
  return rows
}

async function marksOf(name: string): Promise<unknown[]> {
  const { database } = await openDatabase(name)
  const { marks } = await readRecordsOf(database)
  database.close()
  return [...marks.values()]
}

async function customKeysOf(name: string): Promise<string[]> {
  const { database } = await openDatabase(name)
  const keys = await resultOf(database.transaction(customStore).objectStore(customStore).getAllKeys())
  database.close()
  return keys.map(String)
}

function opening(name = `store-${++names}`, more: Partial<typeof means> = {}, on: Partial<StoreEvents> = {}) {
  const doc = new Y.Doc()
  const told: string[] = []
  const events: StoreEvents = {
    ...on,
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

/** What typing so many letters makes. */
function typed(count: number): Uint8Array[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (let index = 0; index < count; index++) doc.getText('t').insert(index, 'x')
  return updates
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

describe('[C1] [C10] [D2.7] it is y-indexeddb', () => {
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
    expect(await ours.store.load()).toMatchObject({ copy: name, marks: new Map(), history: null, account: null })
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
  test('never stands for an edit that was not written: what comes after one that failed waits for it', async () => {
    const clock = new HandClock()
    const { name, store, told, write } = opening(undefined, { clock, openTimeLimit: 60_000 })
    await store.load()
    const { transaction } = IDBDatabase.prototype
    let isFirst = true
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...how) {
      const real = transaction.apply(this, how)
      if (how[1] === 'readwrite' && isFirst) {
        isFirst = false
        queueMicrotask(() => real.abort())
      }
      return real
    })
    const writes = [write('a'), write('b'), write('c')]
    await until('it is told', () => told.length > 0)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([await rowsOf(name), await marksOf(name)]).toEqual([[], []])
    clock.advance(1_000)
    await Promise.all(writes)
    expect(told).toEqual(['local-storage-failed', 'recovered'])
    expect([(await rowsOf(name)).length, await marksOf(name)]).toEqual([3, [{ from: 1, to: 3 }]])
    const again = opening(name)
    expect(await again.load()).toBe(3)
    expect(again.doc.getText('t').toString()).toBe('abc')
  })

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
    const { name, store, told, write } = opening(undefined, { clock, openTimeLimit: 60_000 })
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

  test.each([
    ['an acknowledgement', (store: IndexeddbStore, id: string) => store.acknowledge(new Map([[id, 1]])), 2, undefined],
    ['the account', (store: IndexeddbStore) => store.speakFor('anna'), 1, 'anna'],
  ] as const)(
    '[R3.1] %s that is written together with an edit does not take back its mark',
    async (_, record, from, account) => {
      const { name, id, store, write } = opening()
      await store.load()
      await write('a')
      // what comes while there is no connection is written in one transaction
      store.db?.close()
      const written = [record(store, id), write('b')]
      store.db?.onclose?.(new Event('close'))
      await Promise.all(written)
      await store.close()
      const again = await opening(name).store.load()
      expect(again.marks.get(id)).toEqual({ from, to: 2, ...(account ? { account } : {}) })
    },
  )

  test('[H9] [D2.6] one that is deleted at any moment while it is loaded does not come back as a whole', async () => {
    for (let turns = 0; turns < 40; turns++) {
      const before = opening()
      await before.load()
      await before.write('old content')
      await before.store.close()
      const { name, store, doc, load, write } = opening(before.name)
      const loading = load()
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      await resultOf(indexedDB.deleteDatabase(name))
      await loading.catch(() => {})
      const had = doc.getText('t').toString()
      await write('new').catch(() => {})
      await store.close()
      const rows = (await indexedDB.databases()).some((one) => one.name === name) ? await rowsOf(name) : []
      const stored = new TextDecoder().decode(Y.mergeUpdates([...rows, Uint8Array.of(0, 0)]))
      // loaded after all: it was deleted before
      if (had !== '') expect([turns, stored]).toEqual([turns, expect.not.stringContaining('old content')])
    }
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

describe('[D2.6] a database that was thrown away', () => {
  /** As the browser does it: the connections are closed, and what they were to is gone. */
  async function throwAway(...stores: IndexeddbStore[]): Promise<void> {
    const databases = stores.map(({ db }) => db!)
    for (const database of databases) database.close()
    await resultOf(indexedDB.deleteDatabase(stores[0]!.name))
    for (const database of databases) database.onclose?.(new Event('close'))
  }

  test('is written again from the document, by each of two tabs, with all that is pending', async () => {
    const before = opening()
    await before.load()
    await before.write('left by a crash, ')
    await before.store.close()
    const [first, second] = [opening(before.name), opening(before.name)]
    expect(await first.load()).toBe(1)
    expect(await second.load()).toBe(1)
    await first.store.remember({ epoch: 'e1', revision: 4 })
    await first.store.rememberAccount('anna')
    await first.write('first, ')
    await second.write('second')
    await throwAway(first.store, second.store)
    await Promise.all([first.write('!'), second.write('?')])
    await Promise.all([first.store.close(), second.store.close()])
    expect([...first.told, ...second.told]).toEqual([])
    const again = opening(before.name)
    const { marks, history, account } = await again.store.load()
    expect(history).toEqual({ epoch: 'e1', revision: 4 })
    expect(account).toBe('anna')
    expect(Object.fromEntries(marks)).toEqual({
      [before.id]: { from: 1, to: 1 },
      [first.id]: { from: 1, to: 2 },
      [second.id]: { from: 1, to: 2 },
    })
    const text = again.doc.getText('t').toString()
    for (const part of ['left by a crash, ', 'first, ', 'second', '!', '?']) expect(text).toContain(part)
  })

  test('[R3.1] is not written again with a mark that stands for less than its own tab has written', async () => {
    const first = opening()
    await first.load()
    await first.write('a')
    const second = opening(first.name)
    expect(await second.load()).toBe(1)
    await first.write('b')
    const [early, late] = [first.store.db!, second.store.db!]
    for (const database of [early, late]) database.close()
    await resultOf(indexedDB.deleteDatabase(first.name))
    early.onclose?.(new Event('close'))
    await first.write('c')
    late.onclose?.(new Event('close'))
    await second.write('!')
    await Promise.all([first.store.close(), second.store.close()])
    const { marks } = await opening(first.name).store.load()
    expect(Object.fromEntries(marks)).toEqual({ [first.id]: { from: 1, to: 3 }, [second.id]: { from: 1, to: 1 } })
  })

  test('[R3.1] is written again with the marks of what other tabs have told, in the same transaction', async () => {
    const heard = new Map([['another tab', { from: 2, to: 3 }]])
    const { name, doc, store, load } = opening(undefined, {}, { pending: () => heard })
    await load()
    await store.speakFor('anna')
    doc.getText('t').insert(0, 'heard')
    const { transaction } = IDBDatabase.prototype
    const written: string[][] = []
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...how) {
      const real = transaction.apply(this, how)
      const scope = typeof how[0] === 'string' ? [how[0]] : [...how[0]]
      if (how[1] === 'readwrite') real.addEventListener('complete', () => written.push(scope))
      return real
    })
    await throwAway(store)
    await until('it is written again', () => written.length > 0)
    vi.restoreAllMocks()
    expect(written[0]).toEqual([updatesStore, customStore])
    await store.close()
    const { marks } = await opening(name).store.load()
    expect(Object.fromEntries(marks)).toEqual({ 'another tab': { from: 2, to: 3, account: 'anna' } })
  })

  test('[R9] is not written again where another tab has begun a copy of another history meanwhile', async () => {
    const old = opening()
    await old.load()
    await old.store.remember({ epoch: 'old', revision: 1 })
    await old.write('old')
    const database = old.store.db!
    database.close()
    await resultOf(indexedDB.deleteDatabase(old.name))
    const anew = opening(old.name)
    await anew.load()
    await anew.store.remember({ epoch: 'new', revision: 1 })
    await anew.write('new')
    database.onclose?.(new Event('close'))
    await until('the old one has given up', () => old.told.length > 0)
    expect(old.told).toEqual(['lost: local-storage-unavailable'])
    await anew.store.close()
    const again = opening(old.name)
    await again.load()
    expect(again.doc.getText('t').toString()).toBe('new')
  })

  test('is written again as the first copy, when all of them are gone', async () => {
    const first = opening()
    await first.load()
    await first.store.setAside({ reason: 'epoch-mismatch', at: 1 })
    await first.store.close()
    const second = opening(first.name)
    await second.load()
    await second.write('kept')
    const database = second.store.db!
    database.close()
    await resultOf(indexedDB.deleteDatabase(second.store.name))
    await resultOf(indexedDB.deleteDatabase(first.name))
    database.onclose?.(new Event('close'))
    await second.write('!')
    await second.store.close()
    const again = opening(first.name)
    expect(await again.load()).toBe(2)
    expect(again.doc.getText('t').toString()).toBe('kept!')
  })

  test('[R9.4] is not written into the copy that another tab has begun meanwhile', async () => {
    const old = opening()
    await old.load()
    await old.write('old')
    const other = opening(old.name)
    await other.load()
    await other.store.setAside({ reason: 'epoch-mismatch', at: 1 })
    await other.store.close()
    const stores = new IndexeddbStores({ ...means, namespace: '' })
    await stores.dropSetAside(old.name)
    // it goes on in what is left of the old one
    old.store.db?.close()
    await old.write('late')
    await old.store.close()
    const anew = opening(old.name)
    await anew.load()
    expect(anew.doc.getText('t').toString()).toBe('')
    expect(anew.store.name).not.toBe(old.name)
  })

  test('[R9.4] is not written again when it was set aside: it would be in the way of the new one', async () => {
    const old = opening()
    await old.load()
    await old.write('old')
    await old.store.setAside({ reason: 'epoch-mismatch', at: 1 })
    await throwAway(old.store)
    await until('the old one has given up', () => old.told.length > 0)
    expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain(old.name)
  })
})

describe('[D2.2] several tabs on a full device', () => {
  test('keep their edits, and each stores its own when there is space again', async () => {
    const clock = new HandClock()
    const first = opening(undefined, { clock, openTimeLimit: 60_000 })
    await first.load()
    const second = opening(first.name, { clock, openTimeLimit: 60_000 })
    await second.load()
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })
    const writes = [first.write('a'), second.write('b'), first.write('c'), second.write('d')]
    await until('both have told', () => first.told.length + second.told.length === 2)
    clock.advance(1_000)
    expect([first.told, second.told]).toEqual([['local-storage-full'], ['local-storage-full']])
    // another edit, when there is space already: it may not overtake the mark of those before it
    add.mockRestore()
    writes.push(first.write('e'))
    clock.advance(4_000)
    await Promise.all(writes)
    expect([first.told, second.told]).toEqual([
      ['local-storage-full', 'recovered'],
      ['local-storage-full', 'recovered'],
    ])
    const again = opening(first.name)
    expect(await again.load()).toBe(5)
    expect([...again.doc.getText('t').toString()].sort().join('')).toBe('abcde')
  })

  test('[R3.1] a mark never stands for less than was written before it', async () => {
    const clock = new HandClock()
    const { name, load, write } = opening(undefined, { clock })
    await load()
    // The first transaction fails when it commits; the second one is being completed by then, and cannot be taken back.
    const { abort } = IDBTransaction.prototype
    vi.spyOn(IDBTransaction.prototype, 'abort')
      .mockImplementationOnce(function (this: IDBTransaction) {
        abort.call(this)
      })
      .mockImplementationOnce(() => {
        throw new DOMException('it is being completed', 'InvalidStateError')
      })
    const add = IDBObjectStore.prototype.add
    vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementationOnce(function (this: IDBObjectStore, value) {
      const request = add.call(this, value)
      request.addEventListener('success', () => this.transaction.abort())
      return request
    })
    const writes = [write('a'), write('b')]
    await writes[1]
    clock.advance(1_000)
    await writes[0]
    expect(await opening(name).load()).toBe(2)
  })
})

describe('a copy that takes long to read', () => {
  test('is read to its end, as long as the browser answers', async () => {
    const clock = new HandClock()
    const name = `store-${++names}`
    const { database } = await openDatabase(name)
    const transaction = database.transaction(updatesStore, 'readwrite')
    for (const update of typed(2_500)) transaction.objectStore(updatesStore).add(update)
    await completionOf(transaction)
    database.close()
    const getAll = IDBObjectStore.prototype.getAll
    vi.spyOn(IDBObjectStore.prototype, 'getAll').mockImplementation(function (this: IDBObjectStore, ...range) {
      clock.advance(200)
      return getAll.apply(this, range)
    })
    const again = opening(name, { clock })
    await again.load()
    expect(again.doc.getText('t').length).toBe(2_500)
  })
})
