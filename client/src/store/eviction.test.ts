import 'fake-indexeddb/auto'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'
import type { Locks } from '../tabs/world.ts'
import { HandClock } from '../test-helpers/hand-clock.ts'
import { until } from '../test-helpers/until.ts'
import { completionOf, deleteDatabase, listDatabases, openDatabase, updatesStore } from './idb.ts'
import { IndexeddbStores, type IndexeddbStoresMeans } from './indexeddb-stores.ts'

const day = 24 * 3_600_000
const locks = navigator.locks as Locks
const page = { isVisible: true, listen: () => () => {} }
const history = { epoch: 'e', revision: 1 }
let openings = 0

function device(clock: HandClock, more: Partial<IndexeddbStoresMeans> = {}) {
  const tabs = { locks, page }
  const stores = new IndexeddbStores({ namespace: 'home', clock, openTimeLimit: 5_000, tabs, ...more })
  onTestFinished(() => stores.close())
  return {
    stores,
    /** Opens a document and leaves so many bytes in it. */
    async open(document: string, bytes = 100, position: number | null = null) {
      const doc = new Y.Doc()
      doc.getText('t').insert(0, 'x'.repeat(bytes))
      const store = stores.open(document, doc, `opening-${++openings}`, { failed() {}, recovered() {}, lost() {} })
      await store.load()
      await store.append(Y.encodeStateAsUpdate(doc), position)
      await store.remember(history)
      onTestFinished(() => store.close())
      return store
    },
    async use(document: string, bytes = 100, position: number | null = null) {
      await (await this.open(document, bytes, position)).close()
      return this
    },
    close: () => stores.close(),
  }
}

/** What is left, once what was due is done. */
async function afterEviction(clock: HandClock): Promise<string[]> {
  const before = clock.pending
  clock.advance(3_600_000)
  await until('it is over, and the next one is planned', async () => {
    const { held = [] } = await locks.query()
    return clock.pending >= before && !held.some(({ name = '' }) => name.startsWith('tidemark:evict:'))
  })
  return ((await listDatabases()) ?? []).sort()
}

afterEach(async () => {
  for (const name of (await listDatabases()) ?? []) await deleteDatabase(name)
})

describe('[V5] [D2.3] copies that the server has, too', () => {
  test('are kept for seven days after they were last used', async () => {
    const clock = new HandClock()
    await (await device(clock).use('old')).close()
    clock.advance(4 * day)
    await (await device(clock).use('newer')).close()
    clock.advance(3 * day + 1)
    const tab = device(clock)
    await tab.use('now')
    expect(await afterEviction(clock)).toEqual(['home:newer', 'home:now'])
  })

  test('are kept within 20 MB, the least recently used go first', async () => {
    const clock = new HandClock()
    const first = device(clock, { cache: { maxBytes: 3_200 } })
    for (const name of ['a', 'b', 'c', 'd']) {
      await first.use(name, 1_000)
      clock.advance(1_000)
    }
    await first.use('a', 10)
    expect(await afterEviction(clock)).toEqual(['home:a', 'home:d'])
  })

  test('of other namespaces are not touched, nor are the databases of others', async () => {
    const clock = new HandClock()
    await (await device(clock, { namespace: 'anna' }).use('diary')).close()
    ;(await openDatabase('an app of its own')).database.close()
    clock.advance(30 * day)
    await device(clock).use('now')
    expect(await afterEviction(clock)).toEqual(['an app of its own', 'anna:diary', 'home:now'])
  })

  test('[H9] are never evicted without a name of their own', async () => {
    const clock = new HandClock()
    await (await device(clock, { namespace: '' }).use('plain')).close()
    clock.advance(30 * day)
    await device(clock, { namespace: '' }).use('now')
    expect(await afterEviction(clock)).toEqual(['now', 'plain'])
  })
})

describe('[V5] [D2.3] never evicted is', () => {
  test.each<[string, (tab: ReturnType<typeof device>) => Promise<unknown>]>([
    ['what has pending edits', (tab) => tab.use('kept', 100, 1)],
    ['what is open in a tab', (tab) => tab.open('kept')],
    [
      'what was set aside',
      async (tab) => {
        const store = await tab.open('kept')
        await store.setAside({ reason: 'epoch-mismatch', at: 1 })
        await store.close()
        await tab.use('kept')
      },
    ],
    [
      'what has quarantined rows',
      async (tab) => {
        await tab.use('kept')
        const { database } = await openDatabase('home:kept')
        const transaction = database.transaction(updatesStore, 'readwrite')
        transaction.objectStore(updatesStore).add(Uint8Array.of(9, 255))
        await completionOf(transaction)
        database.close()
        await tab.use('kept')
      },
    ],
  ])('%s', async (_, leave) => {
    const clock = new HandClock()
    const tab = device(clock)
    await leave(tab)
    await tab.close()
    clock.advance(30 * day)
    await device(clock).use('now')
    expect(await afterEviction(clock)).toContain('home:kept')
  })

  test('what was never synced, nor what nobody has noted the use of yet', async () => {
    const clock = new HandClock()
    const { database } = await openDatabase('home:kept')
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'mine')
    const transaction = database.transaction(updatesStore, 'readwrite')
    transaction.objectStore(updatesStore).add(Y.encodeStateAsUpdate(doc))
    await completionOf(transaction)
    database.close()
    await device(clock).use('now')
    await afterEviction(clock)
    clock.advance(30 * day)
    expect(await afterEviction(clock)).toContain('home:kept')
  })

  test('anything where there are no locks to tell what is open', async () => {
    const clock = new HandClock()
    await (await device(clock).use('old')).close()
    clock.advance(30 * day)
    const tab = device(clock, { tabs: { locks: null, page } })
    await tab.use('now')
    expect(await afterEviction(clock)).toContain('home:old')
  })
})

test('[D2.3] a document that is opened just when its copy is evicted opens empty, and keeps what is written then', async () => {
  const clock = new HandClock()
  await (await device(clock).use('old', 500)).close()
  clock.advance(30 * day)
  const tab = device(clock)
  await tab.use('now')
  clock.advance(3_600_000)
  for (let round = 0; round < 5; round++) {
    const store = await tab.open('old', 10)
    await store.close()
  }
  const doc = new Y.Doc()
  const store = tab.stores.open('old', doc, 'last', { failed() {}, recovered() {}, lost() {} })
  await store.load()
  expect(doc.getText('t').length).toBeGreaterThanOrEqual(50)
  await store.close()
})

describe('[D2.5] the browser is asked to keep the data', () => {
  test('once, when the person has made the first edit', async () => {
    let asked = 0
    const tab = device(new HandClock(), {
      async persist() {
        asked++
        throw new Error('no')
      },
    })
    await tab.use('read only', 100, null)
    expect(asked).toBe(0)
    await tab.use('edited', 100, 1)
    await tab.use('another', 100, 1)
    expect(asked).toBe(1)
  })
})
