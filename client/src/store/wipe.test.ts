import 'fake-indexeddb/auto'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Locks } from '../tabs/world.ts'
import { HandClock } from '../test-helpers/hand-clock.ts'
import { listenTo, personAt, textOf, write } from '../test-helpers/person.ts'
import { until } from '../test-helpers/until.ts'
import { evict } from './eviction.ts'
import { completionOf, customStore, listDatabases, openDatabase, resultOf, updatesStore } from './idb.ts'
import { databaseName } from './names.ts'
import { openLockName } from './opening.ts'
import { copyKey, historyKey, setAsideKey, wipedKey } from './records.ts'
import { beginAfterWipe } from './wipe.ts'

const nowhere = 'ws://127.0.0.1:1/sync'

/** A connection that does not let go, as that of a frozen tab, or of a program that knows nothing of Tidemark. */
async function stubborn(name: string): Promise<IDBDatabase> {
  const database = await resultOf(indexedDB.open(name))
  onTestFinished(() => database.close())
  return database
}

async function hasDatabase(name: string): Promise<boolean> {
  return ((await listDatabases()) ?? []).includes(name)
}

async function put(name: string, store: string, value: unknown, key?: string): Promise<void> {
  const { database } = await openDatabase(name)
  const transaction = database.transaction(store, 'readwrite')
  transaction.objectStore(store).put(value, key)
  await completionOf(transaction)
  database.close()
}

async function someoneWrote(text: string) {
  const person = personAt(nowhere)
  const document = person.client.open('plan')
  await document.whenLoaded
  write(document, text)
  await until('it is stored', async () => {
    const { database } = await openDatabase(databaseName(person.namespace, 'plan'))
    const rows = await resultOf(database.transaction(updatesStore).objectStore(updatesStore).count())
    database.close()
    return rows > 0
  })
  return { ...person, document, name: databaseName(person.namespace, 'plan') }
}

describe('[R3.10] signing out while somebody does not let go of a copy', () => {
  test('settles, says that it is not deleted and why, and leaves nothing in it for the next person', async () => {
    const { client, namespace, name } = await someoneWrote('private')
    const held = await stubborn(name)
    const result = await client.signOut({ flush: false, wipe: 'always' })
    expect(result).toMatchObject({ drained: false, wiped: false, error: { code: 'local-storage-in-use' } })
    const rows = held.transaction(updatesStore).objectStore(updatesStore).count()
    expect(await resultOf(rows)).toBe(0)
    // what it writes before it goes is not for the next person, either
    const writing = held.transaction(updatesStore, 'readwrite')
    writing.objectStore(updatesStore).add(Uint8Array.of(1, 2, 3))
    await completionOf(writing)
    held.close()
    const next = personAt(nowhere, { namespace })
    const document = next.client.open('plan')
    await document.whenLoaded
    expect([textOf(document), document.pendingCount]).toEqual(['', 0])
    expect(document.status.localStore).toEqual({ kind: 'indexeddb' })
  })

  test('on a full device, where not even the note can be left, it is emptied all the same', async () => {
    const { client, name } = await someoneWrote('private')
    const held = await stubborn(name)
    const put = IDBObjectStore.prototype.put
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...given) {
      const request = put.apply(this, given)
      // browsers say so when the transaction is to be committed
      request.onsuccess = () => this.transaction.abort()
      return request
    })
    const result = await client.signOut({ flush: false, wipe: 'always' })
    vi.restoreAllMocks()
    expect(result).toMatchObject({ wiped: false, error: { code: 'local-storage-in-use' } })
    const stores = held.transaction([updatesStore, customStore])
    const count = async (store: string) => resultOf(stores.objectStore(store).count())
    expect(await Promise.all([count(updatesStore), count(customStore)])).toEqual([0, 0])
  })

  test('what was not deleted then is by the next one who signs out', async () => {
    const { client, namespace, name } = await someoneWrote('private')
    const held = await stubborn(name)
    expect((await client.signOut({ flush: false, wipe: 'always' })).wiped).toBe(false)
    held.close()
    const next = personAt(nowhere, { namespace })
    expect(await next.client.signOut()).toEqual({ drained: true, wiped: true, remaining: [] })
    expect(await hasDatabase(name)).toBe(false)
  })

  test('nor does anything hang for the next person while it is held still', async () => {
    const { client, namespace, name } = await someoneWrote('private')
    await stubborn(name)
    await client.signOut({ flush: false, wipe: 'always' })
    const next = personAt(nowhere, { namespace, openTimeLimit: 500 })
    const document = next.client.open('plan')
    await document.whenLoaded
    expect([textOf(document), document.status.localStore.kind]).toEqual(['', 'memory'])
    const result = await next.client.signOut({ flush: false, wipe: 'always' })
    expect(result).toMatchObject({ wiped: false, error: { code: expect.stringMatching(/^local-storage-/) as string } })
  })

  test('what the browser comes to only after it was given up is not deleted: it is the next person’s', async () => {
    const { client, namespace, name } = await someoneWrote('private')
    await client.close()
    const held = await stubborn(name)
    // whoever signed out before waits for it still, and everybody behind that
    const deleting = indexedDB.deleteDatabase(name)
    const second = personAt(nowhere, { namespace, openTimeLimit: 300 })
    const signingOut = second.client.signOut({ flush: false, wipe: 'always' })
    expect(await signingOut).toMatchObject({ wiped: false, error: { code: 'local-storage-failed' } })
    // it goes on listing what there is, but not before the next person has written
    const listing = Promise.withResolvers<void>()
    const list = indexedDB.databases.bind(indexedDB)
    const listed = vi.spyOn(indexedDB, 'databases').mockImplementation(() => listing.promise.then(list))
    onTestFinished(() => listed.mockRestore())
    const next = personAt(nowhere, { namespace, openTimeLimit: 60_000 })
    const document = next.client.open('plan')
    write(document, 'mine')
    held.close()
    await document.whenLoaded
    expect(await document.close()).toEqual({ unkept: 0 })
    expect([deleting.readyState, listed.mock.calls.length]).toEqual(['done', 1])
    listing.resolve()
    // time enough for what was given up
    await new Promise((resolve) => setTimeout(resolve, 200))
    const again = personAt(nowhere, { namespace }).client.open('plan')
    await again.whenLoaded
    expect([textOf(again), again.pendingCount]).toEqual(['mine', 1])
  })

  test('a copy that is left with the note, and got rows after it, opens empty and is stored as ever', async () => {
    const { client, namespace, name } = await someoneWrote('private')
    await client.close()
    await put(name, customStore, true, 'tidemark:wiped')
    const next = personAt(nowhere, { namespace })
    const document = next.client.open('plan')
    await document.whenLoaded
    expect([textOf(document), document.pendingCount]).toEqual(['', 0])
    write(document, 'mine')
    await document.close()
    const again = personAt(nowhere, { namespace }).client.open('plan')
    await again.whenLoaded
    expect(textOf(again)).toBe('mine')
  })

  test('a tab that had it open, and whose connection was gone, does not write the document back', async () => {
    const { document, name } = await someoneWrote('private')
    const heard = listenTo(document)
    // as wiping does it where the deletion is held up; the tab has not heard of it
    const { database } = await openDatabase(name)
    const transaction = database.transaction([updatesStore, customStore], 'readwrite')
    for (const store of [updatesStore, customStore]) transaction.objectStore(store).clear()
    transaction.objectStore(customStore).put(true, 'tidemark:wiped')
    await completionOf(transaction)
    database.close()
    document.disconnect()
    document.connect()
    await until('it is told', () => heard.errors.includes('local-storage-unavailable'))
    write(document, ' and more')
    expect(document.status.localStore.kind).toBe('memory')
    const { database: after } = await openDatabase(name)
    expect(await resultOf(after.transaction(updatesStore).objectStore(updatesStore).count())).toBe(0)
    after.close()
  })

  test('one of a later generation, too: every connection of ours lets go when it is asked', async () => {
    const { client, namespace, name } = await someoneWrote('old')
    await client.close()
    await put(name, customStore, { reason: 'discarded', at: 1, next: 1 }, setAsideKey)
    const second = personAt(nowhere, { namespace })
    const document = second.client.open('plan')
    await document.whenLoaded
    write(document, 'new')
    await document.close()
    // as one that is loading has it
    const { database } = await openDatabase(`${name}//1`)
    onTestFinished(() => database.close())
    const result = await second.client.signOut({ flush: false, wipe: 'always' })
    expect(result.wiped).toBe(true)
    expect([await hasDatabase(name), await hasDatabase(`${name}//1`)]).toEqual([false, false])
  })
})

test('[D2.8] who evicts does not hold the lock for as long as somebody holds the connection: the document opens', async () => {
  const clock = new HandClock(1e9)
  const locks = navigator.locks as Locks
  const { namespace } = personAt(nowhere)
  const name = databaseName(namespace, 'plan')
  await put(name, customStore, { epoch: 'e', revision: 1 }, historyKey)
  await put(name, customStore, { id: 'x', usedAt: 1, bytes: 1 }, copyKey)
  await stubborn(name)
  const evicting = evict({ namespace, clock, locks, limits: { maxAge: 1, maxBytes: 0 } })
  let evicted: string[] | null = null
  void evicting.then((names) => {
    evicted = names
  })
  let isGranted = false
  await until('the copy is being deleted', async () => {
    const { held = [] } = await locks.query()
    return held.some((lock) => lock.name === openLockName(namespace, 'plan'))
  })
  void locks.request(openLockName(namespace, 'plan'), { mode: 'shared' }, () => {
    isGranted = true
  })
  await until('whoever opens has the lock', () => {
    clock.advance(500)
    return isGranted && evicted !== null
  })
  expect(evicted).toEqual([])
})

test('[R3.10] two openings that find a copy emptied begin anew once: what the first has written since stays', async () => {
  const name = 'wiped:twice'
  await put(name, updatesStore, Uint8Array.of(1))
  await put(name, customStore, true, wipedKey)
  const { database } = await openDatabase(name)
  onTestFinished(() => database.close())
  await beginAfterWipe(database)
  await put(name, updatesStore, Uint8Array.of(2))
  await beginAfterWipe(database)
  expect(await resultOf(database.transaction(updatesStore).objectStore(updatesStore).getAll())).toEqual([
    Uint8Array.of(2),
  ])
})
