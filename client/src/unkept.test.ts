import 'fake-indexeddb/auto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { databaseName } from './store/names.ts'
import { pageListeners } from './test-helpers/page-listeners.ts'
import { listenTo, personAt, textOf, write } from './test-helpers/person.ts'
import { startStockServer } from './test-helpers/stock-server.ts'
import { until } from './test-helpers/until.ts'

const nowhere = 'ws://127.0.0.1:1/sync'

/** The device is out of space until it is told otherwise. */
function fullDevice(): { free(): void } {
  const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError')
  })
  return { free: () => add.mockRestore() }
}

function deleted(name: string): Promise<void> {
  return new Promise((resolve) => {
    indexedDB.deleteDatabase(name).onsuccess = () => resolve()
  })
}

async function rowsOf(name: string): Promise<Uint8Array[]> {
  const database = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open(name)
    request.onsuccess = () => resolve(request.result)
  })
  try {
    if (!database.objectStoreNames.contains('updates')) return []
    return await new Promise((resolve) => {
      const request = database.transaction('updates').objectStore('updates').getAll()
      request.onsuccess = () => resolve(request.result)
    })
  } finally {
    database.close()
  }
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('[R3.5] [R2.4] a document is closed while an edit of it is kept nowhere', () => {
  test('on a full device: it is said, closing the tab asks, and it is stored as soon as there is space', async () => {
    const { asks, tabs } = pageListeners()
    const { client, namespace, log } = personAt(nowhere, { tabs })
    const document = client.open('plan')
    const heard = listenTo(document)
    write(document, 'kept. ')
    await until('it is stored', () => !asks())
    const device = fullDevice()
    write(document, 'not kept')
    expect(await document.close()).toEqual({ unkept: 1 })
    expect(heard.errors).toContain('edits-unkept')
    expect(log.map(({ code }) => code)).toContain('edits-unkept')
    expect(asks()).toBe(true)
    await client.close()
    expect(asks(), 'the client is closed, the page is not').toBe(true)
    device.free()
    await until('the page has stored it', () => !asks())
    const again = personAt(nowhere, { namespace, tabs }).client.open('plan')
    await again.whenLoaded
    expect([textOf(again), again.pendingCount]).toEqual(['kept. not kept', 2])
  })

  test('on a full device: the next opening in this page has it, and the server gets it', async () => {
    const { asks, tabs } = pageListeners()
    const { client, namespace } = personAt(nowhere, { tabs })
    const device = fullDevice()
    const document = client.open('plan')
    write(document, 'not kept')
    await document.close()
    await using server = await startStockServer()
    const again = personAt(server.url, { namespace, tabs }).client.open('plan')
    await again.whenLoaded
    expect([textOf(again), again.hasUnsyncedChanges, asks()]).toEqual(['not kept', true, true])
    await again.flush()
    expect(asks()).toBe(false)
    expect(server.server.hocuspocus.documents.get('plan')?.getText('t').toString()).toBe('not kept')
    expect(await again.close()).toEqual({ unkept: 0 })
    device.free()
  })

  test('on a full device: signing out counts it, and wipes it only when told to', async () => {
    const { asks, tabs } = pageListeners()
    const { client, namespace } = personAt(nowhere, { tabs })
    const device = fullDevice()
    const document = client.open('plan')
    write(document, 'a')
    write(document, 'b')
    void document.close()
    const left = { drained: false, remaining: [{ name: 'plan', pendingCount: 2 }] }
    expect(await client.signOut({ timeout: 50 })).toEqual({ ...left, wiped: false })
    expect(asks()).toBe(true)
    const other = personAt(nowhere, { namespace, tabs }).client
    expect(await other.signOut({ timeout: 50, wipe: 'always' })).toMatchObject({
      drained: false,
      wiped: true,
      remaining: [{ name: 'plan' }],
    })
    expect(asks()).toBe(false)
    device.free()
  })

  test('on a device that deletes nothing: signing out does not throw it away either', async () => {
    const { asks, tabs } = pageListeners()
    const { client, namespace } = personAt(nowhere, { tabs })
    const device = fullDevice()
    const document = client.open('plan')
    write(document, 'still here')
    await document.close()
    const open = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw new DOMException('broken', 'UnknownError')
    })
    const result = await client.signOut({ timeout: 50, wipe: 'always' })
    expect(result).toMatchObject({ drained: false, wiped: false, error: { code: 'local-storage-failed' } })
    expect(result.remaining).toMatchObject([{ name: 'plan' }])
    expect(asks()).toBe(true)
    open.mockRestore()
    device.free()
    await until('the page has stored it', () => !asks())
    const again = personAt(nowhere, { namespace, tabs }).client.open('plan')
    await again.whenLoaded
    expect([textOf(again), again.pendingCount]).toEqual(['still here', 1])
  })

  test.each<['memory' | 'missing']>([['memory'], ['missing']])(
    'in memory (%s): it asks until it is saved',
    async (how) => {
      const { asks, tabs } = pageListeners()
      if (how === 'missing') vi.stubGlobal('indexedDB', undefined)
      const { client, namespace } = personAt(nowhere, how === 'memory' ? { tabs, localStore: 'memory' } : { tabs })
      const document = client.open('plan')
      write(document, 'x')
      expect(await document.close()).toEqual({ unkept: 1 })
      expect(asks()).toBe(true)
      await client.close()
      expect(asks()).toBe(true)
      await using server = await startStockServer()
      const again = personAt(server.url, { namespace, tabs, localStore: 'memory' }).client.open('plan')
      await again.whenLoaded
      expect([textOf(again), again.pendingCount, asks()]).toEqual(['x', 1, true])
      await again.flush()
      expect(asks()).toBe(false)
    },
  )

  test('in memory: it asks when it was set aside and its document closed, until it is dropped', async () => {
    const { asks, tabs } = pageListeners()
    const { client } = personAt(nowhere, { tabs, localStore: 'memory' })
    const document = client.open('plan')
    write(document, 'x')
    await document.setAside()
    await document.close()
    expect(asks()).toBe(true)
    const [copy] = await client.setAsideCopies()
    expect(copy).toMatchObject({ document: 'plan', pendingCount: 1 })
    await client.dropSetAside(copy!.id)
    expect(asks()).toBe(false)
  })

  test('nothing is said of a document that is closed when all is well, and nobody listens any more', async () => {
    const { listeners, tabs } = pageListeners()
    const { client, log } = personAt(nowhere, { tabs })
    const document = client.open('plan')
    write(document, 'x')
    expect(await document.close()).toEqual({ unkept: 0 })
    await client.close()
    expect(log.filter(({ code }) => code === 'edits-unkept')).toEqual([])
    expect(Object.fromEntries([...listeners].map(([name, all]) => [name, all.size]))).toMatchObject({ beforeunload: 0 })
  })

  test('what another client of the page has saved does not stop this one from asking', async () => {
    const { asks, tabs } = pageListeners()
    const [one, other] = [personAt(nowhere, { tabs }), personAt(nowhere, { tabs })]
    const [first, second] = [one.client.open('plan'), other.client.open('plan')]
    await Promise.all([first.whenLoaded, second.whenLoaded])
    const device = fullDevice()
    write(first, 'x')
    write(second, 'y')
    // the server's word is not needed to see it: this one has nothing any more
    await other.client.signOut({ flush: false, wipe: 'always' })
    expect(asks()).toBe(true)
    device.free()
  })
})

describe('[R2.4] the local copy is deleted under an open page', () => {
  test('closing asks for what is pending, and for nothing when nothing is', async () => {
    const { asks, tabs } = pageListeners()
    await using server = await startStockServer()
    const saved = personAt(server.url, { tabs })
    const first = saved.client.open('plan')
    write(first, 'saved')
    await first.flush()
    await deleted(databaseName(saved.namespace, 'plan'))
    await until('it is told', () => first.status.localStore.kind === 'memory')
    expect(asks()).toBe(false)

    const { client, namespace } = personAt(nowhere, { tabs })
    const second = client.open('plan')
    write(second, 'pending')
    await until('it is stored', () => !asks())
    await deleted(databaseName(namespace, 'plan'))
    await until('it asks', asks)
    expect(await second.close()).toEqual({ unkept: 1 })
    expect(asks()).toBe(true)
    expect(await client.signOut({ timeout: 20, wipe: 'when-drained' })).toMatchObject({ drained: false, wiped: false })
  })

  test('what an earlier time has left counts, too', async () => {
    const { asks, tabs } = pageListeners()
    const before = personAt(nowhere, { tabs })
    write(before.client.open('plan'), 'left')
    await before.client.close()
    const { client } = personAt(nowhere, { namespace: before.namespace, tabs })
    const document = client.open('plan')
    await document.whenLoaded
    expect(asks()).toBe(false)
    await deleted(databaseName(before.namespace, 'plan'))
    await until('it asks', asks)
  })

  test('[H9] it comes back only as far as the person writes anew', async () => {
    await using server = await startStockServer()
    const { client, namespace, line } = personAt(server.url)
    const document = client.open('plan')
    write(document, 'old and saved')
    await document.flush()
    const name = databaseName(namespace, 'plan')
    await deleted(name)
    await until('it is told', () => document.status.localStore.kind === 'memory')
    line.holds = () => true
    write(document, 'new')
    await document.close()
    const again = client.open('plan')
    await again.whenLoaded
    await client.close()
    const stored = new Y.Doc()
    for (const row of await rowsOf(name)) Y.applyUpdate(stored, row)
    expect(new TextDecoder().decode(Y.mergeUpdates(await rowsOf(name)))).toContain('new')
    expect(new TextDecoder().decode(Y.mergeUpdates(await rowsOf(name)))).not.toContain('old and saved')
  })
})

describe('[R3.8] a Y.Doc that the app brings', () => {
  test('is no new edit when its content is on this device, however often it is opened', async () => {
    const { client } = personAt(nowhere)
    const doc = new Y.Doc()
    const first = client.open('plan', { doc })
    write(first, 'once')
    await first.close()
    for (let round = 0; round < 3; round++) {
      const again = client.open('plan', { doc })
      await again.whenLoaded
      expect(again.pendingCount).toBe(1)
      await again.close()
    }
    doc.getText('t').insert(0, 'while closed, ')
    const last = client.open('plan', { doc })
    await last.whenLoaded
    expect(last.pendingCount).toBe(2)
    doc.getText('t').delete(0, 5)
    await last.close()
    doc.getText('t').delete(0, 5)
    const after = client.open('plan', { doc })
    await after.whenLoaded
    expect(after.pendingCount).toBe(4)
  })

  test('is no new edit when the server has all of it, and is kept on this device again', async () => {
    await using server = await startStockServer()
    const { client, namespace } = personAt(server.url)
    const doc = new Y.Doc()
    const first = client.open('plan', { doc })
    write(first, 'saved')
    await first.flush()
    await first.close()
    await deleted(databaseName(namespace, 'plan'))
    const again = client.open('plan', { doc })
    const heard = listenTo(again)
    await again.whenLoaded
    expect([again.pendingCount, heard.pending]).toEqual([0, []])
    await again.close()
    expect(new TextDecoder().decode(Y.mergeUpdates(await rowsOf(databaseName(namespace, 'plan'))))).toContain('saved')
  })

  test('with content of its own is kept although it is closed before anything is loaded, and flushed with the rest', async () => {
    const { client, namespace } = personAt(nowhere)
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'brought')
    void client.open('plan', { doc }).close()
    await client.close()
    await using server = await startStockServer()
    const later = personAt(server.url, { namespace }).client.open('plan')
    await later.whenLoaded
    expect([textOf(later), later.pendingCount]).toEqual(['brought', 1])
    const other = new Y.Doc()
    other.getText('t').insert(0, 'more')
    const more = personAt(server.url, { namespace }).client.open('other', { doc: other })
    await more.flush()
    expect(server.server.hocuspocus.documents.get('other')?.getText('t').toString()).toBe('more')
  })
})

describe('[R3.9] a browser that does not answer', () => {
  function silent(): { end(): void } {
    const open = vi.spyOn(indexedDB, 'open').mockImplementation(() => ({}) as IDBOpenDBRequest)
    return { end: () => open.mockRestore() }
  }

  test('ends neither closing nor signing out, which says what it knows', async () => {
    const { client } = personAt(nowhere, { openTimeLimit: 50 })
    const hanging = silent()
    const document = client.open('plan')
    write(document, 'x')
    expect(await document.close()).toEqual({ unkept: 1 })
    const second = client.open('other')
    write(second, 'y')
    const result = await client.signOut({ timeout: 50 })
    expect(result).toMatchObject({ drained: false, wiped: false })
    expect(result.remaining.map(({ name }) => name).sort()).toEqual(['other', 'plan'])
    hanging.end()
  })

  test('when it stops answering after the document was opened: what was written then is counted', async () => {
    const { client } = personAt(nowhere, { openTimeLimit: 1_000 })
    const document = client.open('plan')
    await document.whenLoaded
    expect(document.status.localStore.kind, 'it was opened in time').toBe('indexeddb')
    // a transaction that never ends: what is asked for after it waits for ever
    const transaction = IDBDatabase.prototype.transaction
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...given) {
      const real = transaction.apply(this, given)
      return Object.create(real, {
        oncomplete: { set() {} },
        onabort: { set() {} },
        objectStore: { value: (name: string) => real.objectStore(name) },
        abort: { value() {} },
      }) as IDBTransaction
    })
    write(document, 'x')
    await expect(document.setAside()).rejects.toMatchObject({ code: 'local-storage-failed' })
    expect(await document.close()).toEqual({ unkept: 1 })
    expect(await client.signOut({ timeout: 50 })).toMatchObject({ drained: false, wiped: false })
  })
})

describe('[R3.9] setting aside settles', () => {
  test('on a document that is closed, on one whose copy was deleted, and on a full device', async () => {
    const { client, namespace } = personAt(nowhere)
    const closed = client.open('closed')
    await closed.close()
    await expect(closed.setAside()).rejects.toMatchObject({ code: 'document-closed' })
    const lost = client.open('lost')
    await lost.whenLoaded
    await deleted(databaseName(namespace, 'lost'))
    await until('it is told', () => lost.status.localStore.kind === 'memory')
    await expect(lost.setAside()).rejects.toMatchObject({ code: 'local-storage-unavailable' })
    expect(lost.isSetAside).toBe(false)
    const full = client.open('full')
    await full.whenLoaded
    vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })
    await expect(full.setAside()).rejects.toMatchObject({ code: 'local-storage-full' })
    vi.restoreAllMocks()
    await full.setAside()
    expect(full.isSetAside).toBe(true)
  })
})

test('[R3.11] [R3.4] an edit in a row that nobody can read is neither called saved nor wiped', async () => {
  const before = personAt(nowhere)
  write(before.client.open('plan'), 'pending')
  await before.client.close()
  const name = databaseName(before.namespace, 'plan')
  const database = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open(name)
    request.onsuccess = () => resolve(request.result)
  })
  const store = database.transaction('updates', 'readwrite').objectStore('updates')
  const keys = await new Promise<IDBValidKey[]>((resolve) => {
    const request = store.getAllKeys()
    request.onsuccess = () => resolve(request.result)
  })
  for (const key of keys) store.put(Uint8Array.of(1, 255, 3), key)
  await new Promise((resolve) => {
    store.transaction.oncomplete = resolve
  })
  database.close()
  await using server = await startStockServer()
  const { client } = personAt(server.url, { namespace: before.namespace })
  const document = client.open('plan')
  await document.flush()
  const left = await client.signOut()
  expect(left).toEqual({ drained: false, wiped: false, remaining: [{ name: 'plan', pendingCount: 1 }] })
})

test('[R3.4] a set-aside copy is counted although the part that lists copies cannot be loaded', async () => {
  const { client } = personAt(nowhere)
  const document = client.open('plan')
  write(document, 'aside')
  await document.setAside()
  await document.close()
  vi.doMock('./store/set-aside.ts', () => {
    throw new TypeError('Failed to fetch dynamically imported module')
  })
  await expect(client.setAsideCopies()).rejects.toMatchObject({ code: 'page-outdated' })
  const left = await client.signOut({ timeout: 20 })
  vi.doUnmock('./store/set-aside.ts')
  expect(left).toEqual({ drained: false, wiped: false, remaining: [{ name: 'plan', pendingCount: 1 }] })
})
