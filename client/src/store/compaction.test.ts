import 'fake-indexeddb/auto'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { IndexeddbPersistence } from 'y-indexeddb'
import * as Y from 'yjs'
import type { Locks, Page, PageEvents } from '../tabs/world.ts'
import { HandClock } from '../test-helpers/hand-clock.ts'
import { until } from '../test-helpers/until.ts'
import { compact } from './compaction.ts'
import { type DirtyMark, pendingIn } from './dirty-mark.ts'
import { completionOf, customStore, openDatabase, resultOf, updatesStore } from './idb.ts'
import { IndexeddbStore } from './indexeddb-store.ts'
import { isQuarantined } from './records.ts'
import { readRecordsOf } from './rows.ts'
import { tooManyRows } from './upkeep.ts'

let names = 0
const fresh = () => `compaction-${++names}`
const locks = navigator.locks as Locks

/** One tab that has the copy open; with `told` what its store said. */
async function tab(name: string, clock = new HandClock(), tabs: { locks: Locks | null; page?: Page } = { locks }) {
  const doc = new Y.Doc()
  const told: string[] = []
  const page: Page = tabs.page ?? { isVisible: true, listen: () => () => {} }
  const store = new IndexeddbStore(
    { document: name, doc, opening: `opening-${++names}` },
    { namespace: '', clock, openTimeLimit: 60_000, tabs: { locks: tabs.locks, page } },
    {
      failed: ({ code }) => told.push(code),
      noted: ({ code }) => told.push(`noted ${code}`),
      recovered() {},
      lost() {},
    },
  )
  onTestFinished(() => store.close())
  let position = 0
  const written: Promise<void>[] = []
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === store || origin === 'other tab' || origin === 'compaction') return
    written.push(store.append(update, ++position))
  })
  const loaded = await store.load()
  const text = doc.getText('t')
  return {
    ...{ doc, store, told, clock, text, pending: pendingIn(loaded.marks.values()) },
    async type(count: number, word = 'x') {
      for (let index = 0; index < count; index++) text.insert(text.length, word)
      await Promise.all(written)
    },
  }
}

async function rowsOf(name: string): Promise<Uint8Array[]> {
  const { database } = await openDatabase(name)
  const rows = await resultOf(database.transaction(updatesStore).objectStore(updatesStore).getAll())
  database.close()
  return rows
}

async function put(name: string, row: Uint8Array): Promise<void> {
  const { database } = await openDatabase(name)
  const transaction = database.transaction(updatesStore, 'readwrite')
  transaction.objectStore(updatesStore).add(row)
  await completionOf(transaction)
  database.close()
}

function rowsBecome(name: string, count: number): Promise<void> {
  return until(`${count} rows are left`, async () => (await rowsOf(name)).length === count)
}

describe('[D2.1] many edits become one row', () => {
  test('after a while, with what is pending still marked; y-indexeddb opens the result', async () => {
    const name = fresh()
    const { store, clock, type } = await tab(name)
    store.setCaretaker(true)
    await type(500)
    await store.acknowledge(new Map([['somebody else', 3]]))
    clock.advance(1_000)
    await rowsBecome(name, 1)
    await store.close()
    expect(clock.pending).toBe(0)
    const again = await tab(name)
    expect(again.pending).toBe(500)
    expect(again.text.length).toBe(500)
    const theirs = new IndexeddbPersistence(name, new Y.Doc())
    await theirs.whenSynced
    expect(theirs.doc.getText('t').length).toBe(500)
    await theirs.destroy()
  })

  test('when nobody has been writing for a while, already from 50 on, and from then on anew', async () => {
    const name = fresh()
    const { store, clock, type } = await tab(name)
    store.setCaretaker(true)
    await type(49)
    expect(clock.pending).toBe(0)
    await type(1)
    clock.advance(4_000)
    await type(1)
    clock.advance(4_000)
    expect(await rowsOf(name)).toHaveLength(51)
    clock.advance(1_000)
    await rowsBecome(name, 1)
    await type(60)
    clock.advance(10_000)
    await rowsBecome(name, 1)
  })

  test('when the page is hidden, since it may not come back', async () => {
    const name = fresh()
    const listeners: PageEvents[] = []
    const page = {
      isVisible: true,
      listen(on: PageEvents) {
        listeners.push(on)
        return () => {}
      },
    }
    const { store, clock, type } = await tab(name, new HandClock(), { locks, page })
    store.setCaretaker(true)
    await type(60)
    page.isVisible = false
    listeners[0]!.visibilityChanged()
    clock.advance(0)
    await rowsBecome(name, 1)
  })

  test('right after loading a copy that was neglected, by y-indexeddb too, which stores all again at each opening', async () => {
    const name = fresh()
    const theirs = new Y.Doc()
    theirs.getText('t').insert(0, 'y'.repeat(60_000))
    for (let opening = 0; opening < 5; opening++) await put(name, Y.encodeStateAsUpdate(theirs))
    const { store, clock } = await tab(name)
    store.setCaretaker(true)
    clock.advance(2_000)
    await rowsBecome(name, 1)
  })

  test('by the caretaker alone, and not while another tab is at it or where it would be twice', async () => {
    const name = fresh()
    const { store, clock, type } = await tab(name)
    await type(600)
    clock.advance(60_000)
    expect(await rowsOf(name)).toHaveLength(600)
    const other = Promise.withResolvers<void>()
    const held = locks.request(`tidemark:compact:${name}`, {}, () => other.promise)
    store.setCaretaker(true)
    clock.advance(1_000)
    await until('it has been refused and will try again', () => clock.pending === 1)
    expect(await rowsOf(name)).toHaveLength(600)
    other.resolve()
    await held
    clock.advance(10_000)
    await rowsBecome(name, 1)
  })

  test('[R5.3] and when it fails that is noted for the log, and tried again', async () => {
    const one = await tab(fresh())
    one.store.setCaretaker(true)
    await one.type(600)
    const count = vi.spyOn(IDBObjectStore.prototype, 'count').mockImplementation(() => {
      throw new DOMException('not now', 'UnknownError')
    })
    one.clock.advance(10_000)
    await until('it is noted', () => one.told.includes('noted local-storage-failed'))
    count.mockRestore()
    one.clock.advance(60_000)
    await until('it is compacted', async () => (await rowsOf(one.store.name)).length < 10)
  })

  test('where there are no locks, too', async () => {
    const name = fresh()
    const { store, clock, type } = await tab(name, new HandClock(), { locks: null })
    store.setCaretaker(true)
    await type(500)
    clock.advance(1_000)
    await rowsBecome(name, 1)
  })

  test('[R8] but a large document is not written again for each 500', () => {
    for (const bytes of [0, 10_000, 1_300_000, 50_000_000]) {
      // bytes written again for an edit: bounded, however large the document is
      const perEdit = [bytes / tooManyRows(bytes, false), bytes / tooManyRows(bytes, true)]
      expect(Math.max(...perEdit)).toBeLessThanOrEqual(8_300)
    }
    expect(tooManyRows(600_000, false)).toBeLessThan(600)
  })
})

describe('[D2.1] compaction loses nothing', () => {
  interface ByHand {
    readonly firstUnknown?: number
    readonly meanwhile?: () => void
    readonly pending?: () => ReadonlyMap<string, DirtyMark>
    readonly hasUncounted?: (marks: ReadonlyMap<string, DirtyMark>) => boolean
  }

  /** Runs it by hand, so that something can happen at a given moment. */
  async function byHand(name: string, doc: Y.Doc, more: ByHand = {}) {
    const { database } = await openDatabase(name)
    onTestFinished(() => database.close())
    return compact({
      ...{
        database,
        doc,
        origin: 'compaction',
        firstUnknown: more.firstUnknown ?? 0,
        isOwn: () => false,
        isClosing: () => false,
        pending: more.pending ?? (() => new Map()),
        hasUncounted: more.hasUncounted ?? (() => false),
      },
      seals: null,
      haveAllTheKey: async () => true,
      account: null,
      isWanted() {
        more.meanwhile?.()
        return true
      },
    })
  }

  test('rows that other tabs wrote come into it, and those that are written meanwhile stay', async () => {
    const name = fresh()
    const [first, second] = [await tab(name), await tab(name)]
    await first.type(30)
    await second.type(20, 'y')
    // the second tab never heard of the first one's edits
    const { rows } = (await byHand(name, second.doc, { meanwhile: () => void first.type(3, 'z') }))!
    expect(rows).toBe(4)
    const again = await tab(name)
    expect([...again.text.toString()].sort().join('')).toBe(`${'x'.repeat(30)}${'y'.repeat(20)}zzz`)
    expect(again.pending).toBe(53)
  })

  test('[R1.1] edits that its tab does not count do not come into its document unawares', async () => {
    const name = fresh()
    const [first, second] = [await tab(name), await tab(name)]
    await first.type(1)
    await second.type(20, 'y')
    const marked: number[] = []
    const hasUncounted = (marks: ReadonlyMap<string, DirtyMark>) => marked.push(pendingIn(marks.values())) > 0
    expect(await byHand(name, second.doc, { hasUncounted })).toBeNull()
    expect([marked, second.text.toString()]).toEqual([[21], 'y'.repeat(20)])
    expect(await rowsOf(name)).toHaveLength(21)
  })

  test("another tab's snapshot is not applied again, and its deletions are", async () => {
    const name = fresh()
    const [first, second] = [await tab(name), await tab(name)]
    await first.type(600, 'word ')
    Y.applyUpdate(second.doc, Y.encodeStateAsUpdate(first.doc), 'other tab')
    for (let index = 0; index < 5; index++) first.text.delete(index * 20, 7)
    const { key } = (await byHand(name, first.doc))!
    // were its content read again, this would be found
    const { database } = await openDatabase(name)
    const transaction = database.transaction([updatesStore, customStore], 'readwrite')
    const record = await resultOf<{ deletionsAt: number }>(
      transaction.objectStore(customStore).get('tidemark:snapshot'),
    )
    const row = await resultOf<Uint8Array>(transaction.objectStore(updatesStore).get(key))
    transaction.objectStore(updatesStore).put(
      row.map((byte, at) => (at < record.deletionsAt ? 255 : byte)),
      key,
    )
    await completionOf(transaction)
    database.close()
    expect(await byHand(name, second.doc)).toMatchObject({ key, corrupt: 0 })
    expect(second.text.toString()).toBe(first.text.toString())
    expect((await tab(name)).text.toString()).toBe(first.text.toString())
  })

  test('what waits for edits that are missing is kept, and found when they come', async () => {
    const name = fresh()
    const writer = new Y.Doc()
    const updates: Uint8Array[] = []
    writer.on('update', (update: Uint8Array) => updates.push(update))
    for (const word of ['one ', 'two ', 'three']) writer.getText('t').insert(writer.getText('t').length, word)
    await put(name, updates[2]!)
    const holder = await tab(name)
    await holder.type(1, 'own')
    await byHand(name, holder.doc)
    await byHand(name, holder.doc)
    expect(await rowsOf(name)).toHaveLength(2)
    await put(name, updates[1]!)
    await put(name, updates[0]!)
    expect((await tab(name)).text.toString()).toContain('one two three')
  })

  test('[R6.1] a row that does not decode is kept aside', async () => {
    const name = fresh()
    const { doc, type } = await tab(name)
    await type(3)
    await put(name, Uint8Array.of(9, 255, 255))
    expect(await byHand(name, doc)).toMatchObject({ corrupt: 1, rows: 1 })
    const { database } = await openDatabase(name)
    const keys = await resultOf(database.transaction(customStore).objectStore(customStore).getAllKeys())
    database.close()
    expect(keys.filter(isQuarantined)).toHaveLength(1)
    expect((await tab(name)).text.toString()).toBe('xxx')
  })

  test('a crash while it is written leaves the rows as they were', async () => {
    const name = fresh()
    const { doc, type } = await tab(name)
    await type(40)
    const remove = vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementation(function (this: IDBObjectStore) {
      this.transaction.abort()
      return {} as IDBRequest<undefined>
    })
    await expect(byHand(name, doc)).rejects.toBeDefined()
    remove.mockRestore()
    expect(await rowsOf(name)).toHaveLength(40)
    expect((await tab(name)).text.length).toBe(40)
  })

  test('[D2.2] without space for it, nobody is bothered and nothing is lost; it is noted, and tried again later', async () => {
    const name = fresh()
    const { store, clock, told, type } = await tab(name)
    await type(500)
    const full = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })
    store.setCaretaker(true)
    clock.advance(1_000)
    await until('it has failed and will try again', () => full.mock.calls.length > 0 && clock.pending === 1)
    full.mockRestore()
    expect(await rowsOf(name)).toHaveLength(500)
    expect(told).toEqual(['noted local-storage-full'])
    clock.advance(60_000)
    await rowsBecome(name, 1)
  })

  test('two tabs that compact at once, as an old version may, leave what both knew', async () => {
    const name = fresh()
    const [first, second] = [await tab(name), await tab(name)]
    await first.type(20)
    await second.type(20, 'y')
    await Promise.all([byHand(name, first.doc), byHand(name, second.doc)])
    expect((await tab(name)).text.length).toBe(40)
  })

  test('a copy is closed meanwhile: it is left as it was', async () => {
    const name = fresh()
    const { store, clock, type } = await tab(name)
    await type(500)
    store.setCaretaker(true)
    clock.advance(1_000)
    await store.close()
    expect(await rowsOf(name)).toHaveLength(500)
    expect((await tab(name)).text.length).toBe(500)
  })

  test('[R3.1] a snapshot that holds an edit which another tab has only told carries its mark', async () => {
    const name = fresh()
    const one = await tab(name)
    await one.type(1)
    const other = new Y.Doc()
    other.getText('t').insert(0, 'told')
    Y.applyUpdate(one.doc, Y.encodeStateAsUpdate(other), 'other tab')
    const told = new Map([
      ['of another tab', { from: 2, to: 3 }],
      ['acknowledged meanwhile', { from: 1, to: 1 }],
    ])
    let pending: ReadonlyMap<string, DirtyMark> = told
    await byHand(name, one.doc, {
      pending: () => pending,
      meanwhile: () => {
        pending = new Map([['of another tab', { from: 3, to: 4 }]])
      },
    })
    await one.store.close()
    // both tabs have crashed
    const { database } = await openDatabase(name)
    const { marks } = await readRecordsOf(database)
    database.close()
    expect(marks.get('of another tab')).toEqual({ from: 3, to: 3 })
    expect(marks.has('acknowledged meanwhile')).toBe(false)
    expect((await tab(name)).text.toString()).toContain('told')
  })
})
