import 'fake-indexeddb/auto'
import { systemClock } from '@tidemark/shared'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'
import { storeContract } from '../store/contract.ts'
import { completionOf, customStore, openDatabase, resultOf, updatesStore } from '../store/idb.ts'
import { IndexeddbStores } from '../store/indexeddb-stores.ts'
import type { LocalStores } from '../store/local-store.ts'
import { databaseName } from '../store/names.ts'
import { HandClock } from '../test-helpers/hand-clock.ts'
import { until } from '../test-helpers/until.ts'
import { AesSeals } from './aes-seals.ts'
import { type EncryptionKey, type EncryptionKeys, encryptedStores } from './index.ts'

const namespace = 'sealed'
const secret = 'Dear diary, this is nobody else’s'
let names = 0
let openings = 0
const fresh = () => `diary-${++names}`

async function newKey(id: string): Promise<EncryptionKey> {
  return { id, key: await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']) }
}
const [first, second] = [await newKey('first'), await newKey('second')]

function device(keys: EncryptionKeys | null, clock = new HandClock()): LocalStores {
  const means = { namespace, clock, openTimeLimit: 5_000 }
  return keys ? encryptedStores({ keys })(means) : new IndexeddbStores(means)
}

async function open(stores: LocalStores, document: string) {
  const doc = new Y.Doc()
  const told: string[] = []
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
    ...{ store, doc, told, marks, text },
    write(words: string) {
      const before = Y.encodeStateVector(doc)
      text.insert(text.length, words)
      return store.append(Y.encodeStateAsUpdate(doc, before), ++position)
    },
  }
}

async function changing<Result>(document: string, change: (transaction: IDBTransaction) => Promise<Result>) {
  const { database } = await openDatabase(databaseName(namespace, document))
  const transaction = database.transaction([updatesStore, customStore], 'readwrite')
  const done = completionOf(transaction)
  const result = await change(transaction)
  await done
  database.close()
  return result
}

function rowsOf(document: string): Promise<unknown[]> {
  return changing(document, (transaction) => resultOf<unknown[]>(transaction.objectStore(updatesStore).getAll()))
}

/** Everything that is stored of a document, as one text. */
async function storedText(document: string): Promise<string> {
  const [rows, records] = await changing(document, (transaction) =>
    Promise.all([
      resultOf<unknown[]>(transaction.objectStore(updatesStore).getAll()),
      resultOf<unknown[]>(transaction.objectStore(customStore).getAll()),
    ]),
  )
  const texts: string[] = []
  const collect = (value: unknown): void => {
    if (value instanceof Uint8Array) texts.push(new TextDecoder().decode(value))
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect)
    else texts.push(String(value))
  }
  for (const value of [...rows, ...records]) collect(value)
  return texts.join('\n')
}

/** Opens as the caretaker and lets it compact what needs it. */
async function compacted(keys: EncryptionKeys, document: string): Promise<void> {
  const clock = new HandClock()
  const { store } = await open(device(keys, clock), document)
  store.setCaretaker(true)
  clock.advance(2_000)
  await until('it is one row of the current key', async () => {
    const rows = await rowsOf(document)
    return rows.length === 1 && (rows[0] as { keyId?: string }).keyId === keys.current.id
  })
  await store.close()
}

describe('[D2.4] the encrypted stores', () => {
  storeContract(() => ({
    stores: encryptedStores({ keys: { current: first } })({ namespace, clock: systemClock, openTimeLimit: 5_000 }),
    putRow: (document, row) =>
      new AesSeals(databaseName(namespace, document), { current: first })
        .seal(row)
        .then((sealed) =>
          changing(document, async (transaction) => void transaction.objectStore(updatesStore).add(sealed)),
        ),
  }))
})

describe('[V6] [D2.4] what is stored with a key', () => {
  test('cannot be read without it', async () => {
    const name = fresh()
    const { store, write } = await open(device({ current: first }), name)
    await write(secret)
    await store.close()
    expect(await storedText(name)).not.toContain('diary')
    const again = await open(device({ current: first }), name)
    expect(again.text.toString()).toBe(secret)
    expect(again.marks.size).toBe(1)
  })

  test.each<[string, EncryptionKeys | null]>([
    ['another key', { current: second }],
    ['another key of the same name', { current: { ...second, id: 'first' } }],
    ['no key', null],
  ])('opened with %s says so, and stays as it is', async (_, keys) => {
    const name = fresh()
    const { store, write } = await open(device({ current: first }), name)
    await write(secret)
    await store.close()
    const before = await storedText(name)
    await expect(open(device(keys), name)).rejects.toMatchObject({ code: 'local-storage-key-wrong' })
    expect(await storedText(name)).toBe(before)
    expect(await device(keys).pendingCount(name)).toBe(1)
    expect((await open(device({ current: first }), name)).text.toString()).toBe(secret)
  })

  test('opened with another key of the same name, and the check removed, is not taken for tampered', async () => {
    const name = fresh()
    const { store, write } = await open(device({ current: first }), name)
    await write(secret)
    await store.close()
    await changing(name, async (transaction) => void transaction.objectStore(customStore).delete('tidemark:key-check'))
    const wrong = { current: { ...second, id: 'first' } }
    await expect(open(device(wrong), name)).rejects.toMatchObject({ code: 'local-storage-key-wrong' })
    expect((await open(device({ current: first }), name)).text.toString()).toBe(secret)
  })

  test.each<[string, (row: { data: Uint8Array; iv: Uint8Array }) => Promise<unknown>]>([
    ['changed', async (row) => ({ ...row, data: row.data.map((byte, at) => (at === 3 ? byte ^ 1 : byte)) })],
    ['given another nonce', async (row) => ({ ...row, iv: row.iv.map((byte) => byte ^ 1) })],
    ['cut', async (row) => ({ ...row, data: row.data.subarray(0, 9) })],
    [
      'taken from another document',
      async () => {
        const other = fresh()
        const { store, write } = await open(device({ current: first }), other)
        await write('something else')
        await store.close()
        return (await rowsOf(other))[0]
      },
    ],
  ])('and then %s is told, kept aside, and the rest opens', async (_, tamper) => {
    const name = fresh()
    const { store, write } = await open(device({ current: first }), name)
    await write('one ')
    const other = new Y.Doc()
    other.getText('u').insert(0, 'two')
    await store.append(Y.encodeStateAsUpdate(other), 2)
    await store.close()
    const changed = await tamper((await rowsOf(name))[0] as { data: Uint8Array; iv: Uint8Array })
    await changing(name, async (transaction) => void transaction.objectStore(updatesStore).put(changed, 1))
    const again = await open(device({ current: first }), name)
    expect(again.told).toEqual(['local-storage-tampered'])
    expect(again.doc.getText('u').toString()).toBe('two')
    await again.store.close()
    const kept = await changing(name, (transaction) =>
      resultOf<unknown>(transaction.objectStore(customStore).get('tidemark:quarantine:1')),
    )
    expect(kept).toEqual(changed)
    expect((await open(device({ current: first }), name)).told).toEqual([])
  })

  test('keeps the order in which it was written, and the mark with the row', async () => {
    const name = fresh()
    const { store, write } = await open(device({ current: first }), name)
    const writes = Array.from({ length: 60 }, (_, index) => write(`${index} `))
    const acknowledged = store.acknowledge(new Map([[`opening-${openings}`, 58]]))
    await Promise.all([...writes, acknowledged])
    await store.close()
    const again = await open(device({ current: first }), name)
    expect(again.text.toString()).toBe(Array.from({ length: 60 }, (_, index) => `${index} `).join(''))
    expect([...again.marks.values()]).toEqual([{ from: 59, to: 60 }])
  })
})

describe('[V6] [D2.4] a new key', () => {
  test('takes over: rows of both are read, what is written is written with it, and compaction rewrites the rest', async () => {
    const name = fresh()
    const before = await open(device({ current: first }), name)
    await before.write('old ')
    await before.store.close()
    const both = { current: second, previous: [first] }
    const during = await open(device(both), name)
    await during.write('new')
    await during.store.close()
    const keyIds = (await rowsOf(name)).map((row) => (row as { keyId: string }).keyId)
    expect(keyIds).toEqual(['first', 'second'])
    // the old one alone does not open it any more, and says so
    await expect(open(device({ current: first }), name)).rejects.toMatchObject({ code: 'local-storage-key-wrong' })
    await compacted(both, name)
    const after = await open(device({ current: second }), name)
    expect(after.text.toString()).toBe('old new')
    expect(after.marks.size).toBe(2)
  })

  test('takes over a copy that was stored in the clear: nothing of it is left to be read', async () => {
    const name = fresh()
    const plain = await open(device(null), name)
    await plain.write(secret)
    await plain.store.close()
    expect(await storedText(name)).toContain('diary')
    await compacted({ current: first }, name)
    expect(await storedText(name)).not.toContain('diary')
    const again = await open(device({ current: first }), name)
    expect(again.text.toString()).toBe(secret)
    expect(again.marks.size).toBe(1)
  })

  test('is refused when it cannot be used', async () => {
    const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
    const code = expect.objectContaining({ code: 'configuration-invalid' })
    expect(() => encryptedStores({ keys: { current: { id: 'mac', key } } })).toThrow(code)
    expect(() => encryptedStores({ keys: { current: first, previous: [first] } })).toThrow(code)
  })
})

test('[R9.5] a copy that was set aside is read with the key', async () => {
  const name = fresh()
  const stores = device({ current: first })
  const { store, write } = await open(stores, name)
  await write(secret)
  await store.setAside({ reason: 'epoch-mismatch', at: 1 })
  await store.close()
  const [copy] = (await stores.setAsideCopies()).filter(({ document }) => document === name)
  expect((await stores.readSetAside(copy!.id)).getText('t').toString()).toBe(secret)
  await expect(device({ current: second }).readSetAside(copy!.id)).rejects.toMatchObject({
    code: 'local-storage-key-wrong',
  })
})

test('[D2.4] a tab that knows only the old key does not take the place of the new one back', async () => {
  const name = fresh()
  const old = await open(device({ current: first }), name)
  await old.write('one ')
  const newer = await open(device({ current: second, previous: [first] }), name)
  await newer.write('two ')
  const checkedBy = () =>
    changing(name, async (transaction) => {
      const check = await resultOf<{ keyId: string }>(transaction.objectStore(customStore).get('tidemark:key-check'))
      return check.keyId
    })
  expect(await checkedBy()).toBe('second')
  await old.write('three ')
  expect(await checkedBy()).toBe('second')
  await Promise.all([old.store.close(), newer.store.close()])
  const again = await open(device({ current: second, previous: [first] }), name)
  expect(again.text.toString().split(' ').sort()).toEqual(['', 'one', 'three', 'two'])
})
