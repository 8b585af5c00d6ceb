import 'fake-indexeddb/auto'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'
import { completionOf, customStore, openDatabase, resultOf, updatesStore } from '../store/idb.ts'
import { IndexeddbStores } from '../store/indexeddb-stores.ts'
import { databaseName } from '../store/names.ts'
import type { Locks } from '../tabs/world.ts'
import { HandClock } from '../test-helpers/hand-clock.ts'
import { until } from '../test-helpers/until.ts'
import { type EncryptionKey, type EncryptionKeys, encryptedStores } from './index.ts'

const namespace = 'sealed'
const check = 'tidemark:key-check'
const tabs = { locks: navigator.locks as Locks, page: { isVisible: true, listen: () => () => {} } }
let names = 0
let openings = 0
const fresh = () => `planted-${++names}`

async function newKey(id: string): Promise<EncryptionKey> {
  return { id, key: await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']) }
}
const [first, second] = [await newKey('first'), await newKey('second')]
const one: EncryptionKeys = { current: first }
const both: EncryptionKeys = { current: second, previous: [first] }

function storesWith(keys: EncryptionKeys | null, clock: HandClock) {
  const means = { namespace, clock, openTimeLimit: 5_000, tabs }
  return keys ? encryptedStores({ keys })(means) : new IndexeddbStores(means)
}

/** One tab that has the document open. Null: one without a key. */
async function tab(keys: EncryptionKeys | null, document: string) {
  const doc = new Y.Doc()
  const told: string[] = []
  const clock = new HandClock()
  const stores = storesWith(keys, clock)
  const store = stores.open(document, doc, `opening-${++openings}`, {
    failed: ({ code }) => told.push(code),
    recovered() {},
    lost() {},
  })
  onTestFinished(() => store.close())
  const { marks } = await store.load()
  let position = 0
  const text = doc.getText('t')
  return {
    ...{ store, stores, doc, told, marks },
    words: () => text.toString().trim().split(' ').sort(),
    write(words: string) {
      const before = Y.encodeStateVector(doc)
      text.insert(text.length, `${words} `)
      return store.append(Y.encodeStateAsUpdate(doc, before), ++position)
    },
    /** It is the one that looks after the copy. */
    async compact(after = 2_000) {
      store.setCaretaker(true)
      clock.advance(after)
      await until('nothing is left to be compacted', async () => {
        const rows = await look(document, (transaction) => transaction.objectStore(updatesStore).getAll())
        return rows.length === 1 && 'keyId' in rows[0]
      })
      store.setCaretaker(false)
      await pause()
    },
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 20))

async function change(document: string, work: (transaction: IDBTransaction) => void | Promise<void>, generation = 0) {
  const { database } = await openDatabase(databaseName(namespace, document, generation))
  const transaction = database.transaction([updatesStore, customStore], 'readwrite')
  const done = completionOf(transaction)
  await work(transaction)
  await done
  database.close()
}

async function look<Result>(document: string, ask: (transaction: IDBTransaction) => IDBRequest<Result>) {
  let result: Result | undefined
  await change(document, async (transaction) => {
    result = await resultOf(ask(transaction))
  })
  return result as Result
}

/** Somebody with access to this browser's files, and without the key, puts a row there. */
function plant(document: string, words = 'planted', generation = 0) {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, `${words} `)
  const row = Y.encodeStateAsUpdate(doc)
  return change(document, (transaction) => void transaction.objectStore(updatesStore).add(row), generation)
}

/** Closes what is open and opens it again; nothing of what was planted may be there, and it is told once. */
async function expectRefused(keys: EncryptionKeys, document: string, words: string[]) {
  const again = await tab(keys, document)
  expect([again.words(), again.told]).toEqual([words, ['local-storage-tampered']])
  await again.store.close()
  const names = await look(document, (transaction) => transaction.objectStore(customStore).getAllKeys())
  expect(names.filter((name) => String(name).startsWith('tidemark:quarantine:'))).toHaveLength(1)
  const third = await tab(keys, document)
  expect([third.words(), third.told]).toEqual([words, []])
  await third.store.close()
}

async function inTheClear(document: string, words: string) {
  const plain = await tab(null, document)
  await plain.write(words)
  await plain.store.close()
}

describe('[D2.9] a row in the clear, in a copy of which all is sealed', () => {
  test('is kept aside and told: in one that was never in the clear', async () => {
    const name = fresh()
    const { write, store } = await tab(one, name)
    await write('mine')
    await store.close()
    await plant(name)
    await expectRefused(one, name, ['mine'])
  })

  test('in one that was, once it is taken over', async () => {
    const name = fresh()
    await inTheClear(name, 'old')
    const taking = await tab(one, name)
    await taking.write('new')
    await taking.compact()
    await taking.store.close()
    await plant(name)
    await expectRefused(one, name, ['new', 'old'])
  })

  test('in one of the version before, which noted nothing, once it was compacted', async () => {
    const name = fresh()
    await inTheClear(name, 'old')
    const taking = await tab(one, name)
    await taking.write('new')
    await taking.store.close()
    const later = await tab(one, name)
    await later.compact()
    await later.store.close()
    await plant(name)
    await expectRefused(one, name, ['new', 'old'])
  })

  test('also after a new key has come, before and after it has taken over', async () => {
    const name = fresh()
    const { write, store } = await tab(one, name)
    await write('mine')
    await store.close()
    await plant(name)
    await expectRefused(both, name, ['mine'])
    const renewing = await tab(both, name)
    await renewing.write('renewed')
    await renewing.compact()
    await renewing.store.close()
    await plant(name, 'again')
    const last = await tab({ current: second }, name)
    expect([last.words(), last.told]).toEqual([['mine', 'renewed'], ['local-storage-tampered']])
  })

  test('in a tab that has it open: what others have stored is read, what was planted is not', async () => {
    const name = fresh()
    const running = await tab(one, name)
    await running.write('mine')
    const other = await tab(one, name)
    await other.write('ours')
    await plant(name)
    await running.store.readNew()
    expect(running.words()).toEqual(['mine', 'ours'])
    await other.store.close()
    // so much that it compacts
    for (let edit = 0; edit < 60; edit++) await running.write('more')
    await running.compact(5_000)
    expect([[...new Set(running.words())], running.told]).toEqual([
      ['mine', 'more', 'ours'],
      ['local-storage-tampered'],
    ])
  })

  test.each(['reads what is new', 'compacts'])(
    'in a tab that began before another one had sealed all, when it %s',
    async (what) => {
      const name = fresh()
      await inTheClear(name, 'old')
      const [before, sealing] = [await tab(one, name), await tab(one, name)]
      await sealing.write('new')
      await sealing.compact()
      await sealing.store.close()
      await plant(name)
      if (what === 'compacts') await before.compact()
      else await before.store.readNew()
      expect(before.words()).toEqual(['new', 'old'])
      expect(before.told).toEqual(what === 'compacts' ? ['local-storage-tampered'] : [])
    },
  )

  test('in a copy that was set aside', async () => {
    const name = fresh()
    const { write, store, stores } = await tab(one, name)
    await write('mine')
    await store.setAside({ reason: 'discarded', at: 1 })
    await store.close()
    await plant(name)
    const [copy] = (await stores.setAsideCopies()).filter(({ document }) => document === name)
    expect((await stores.readSetAside(copy!.id)).getText('t').toString()).toBe('mine ')
  })

  test('whose note was taken away, or taken from another copy, is not read for that', async () => {
    const [name, other] = [fresh(), fresh()]
    const { write, store } = await tab(one, name)
    await write('mine')
    await store.close()
    await change(name, (transaction) => void transaction.objectStore(customStore).delete(check))
    await plant(name)
    await expectRefused(one, name, ['mine'])

    await inTheClear(other, 'old')
    const taking = await tab(one, other)
    await taking.write('new')
    await taking.store.close()
    const weaker = await look(other, (transaction) => transaction.objectStore(customStore).get(check))
    await change(name, (transaction) => void transaction.objectStore(customStore).put(weaker, check))
    await expect(tab(one, name)).rejects.toMatchObject({ code: 'local-storage-key-wrong' })
  })
})

describe('[D2.9] while a copy that was stored in the clear is taken over', () => {
  test('its rows are read, however often it is opened before all of it is sealed', async () => {
    const name = fresh()
    await inTheClear(name, 'old')
    const taking = await tab(one, name)
    await taking.write('new')
    await taking.store.close()
    const again = await tab(one, name)
    expect([again.words(), again.told, again.marks.size]).toEqual([['new', 'old'], [], 2])
  })

  test('by two tabs at once: nothing is lost, and all is sealed afterwards', async () => {
    const name = fresh()
    await inTheClear(name, 'old')
    const [here, there] = [await tab(one, name), await tab(one, name)]
    await Promise.all([here.write('here'), there.write('there')])
    await here.compact()
    await there.write('later')
    await Promise.all([here.store.close(), there.store.close()])
    await plant(name)
    await expectRefused(one, name, ['here', 'later', 'old', 'there'])
  })

  test('a tab without the key that has it open still is not shut out: what it writes is read until it is closed', async () => {
    const name = fresh()
    const old = await tab(null, name)
    await old.write('old')
    const taking = await tab(one, name)
    await taking.write('new')
    await taking.compact()
    await old.write('late')
    await Promise.all([old.store.close(), taking.store.close()])
    const again = await tab(one, name)
    expect([again.words(), again.told, again.marks.size]).toEqual([['late', 'new', 'old'], [], 2])
    await again.compact()
    await again.store.close()
    await plant(name)
    await expectRefused(one, name, ['late', 'new', 'old'])
  })
})
