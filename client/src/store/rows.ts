import * as Y from 'yjs'
import type { DirtyMark } from './dirty-mark.ts'
import { completionOf, customStore, resultOf, updatesStore } from './idb.ts'
import { quarantineKey, type Records, readRecords } from './records.ts'

export interface Row {
  readonly key: IDBValidKey
  readonly update: unknown
}

export interface Contents extends Records {
  readonly rows: readonly Row[]
}

/** Reads everything in one transaction, so that the dirty marks stand for edits that are among the rows. */
export async function readContents(database: IDBDatabase): Promise<Contents> {
  const transaction = database.transaction([updatesStore, customStore], 'readonly')
  const records = await recordsOf(transaction.objectStore(customStore))
  const updates = transaction.objectStore(updatesStore)
  const [keys, values] = await Promise.all([resultOf(updates.getAllKeys()), resultOf<unknown[]>(updates.getAll())])
  return { ...records, rows: keys.map((key, index) => ({ key, update: values[index] })) }
}

export async function recordsOf(custom: IDBObjectStore): Promise<Records> {
  const [keys, values] = await Promise.all([resultOf(custom.getAllKeys()), resultOf<unknown[]>(custom.getAll())])
  return readRecords(keys, values)
}

/** Brings rows into the document in one transaction. @returns the rows that do not decode */
export function applyRows(doc: Y.Doc, rows: readonly Row[], origin: unknown): Row[] {
  const corrupt: Row[] = []
  Y.transact(
    doc,
    () => {
      for (const row of rows) {
        try {
          if (!(row.update instanceof Uint8Array)) throw new TypeError('not an update')
          Y.applyUpdate(doc, row.update, origin)
        } catch {
          corrupt.push(row)
        }
      }
    },
    origin,
    false,
  )
  return corrupt
}

/** Moves rows that do not decode to where they are kept and no longer in the way (R6.1). */
export async function quarantine(database: IDBDatabase, rows: readonly Row[]): Promise<void> {
  const transaction = database.transaction([updatesStore, customStore], 'readwrite')
  moveToQuarantine(transaction, rows)
  await completionOf(transaction)
}

function moveToQuarantine(transaction: IDBTransaction, rows: readonly Row[]): void {
  for (const { key, update } of rows) {
    transaction.objectStore(customStore).put(update, quarantineKey(key))
    transaction.objectStore(updatesStore).delete(key)
  }
}

/**
 * Makes one row of all rows, in one transaction. Rows of other tabs come into the document first.
 * @param firstUnknown the key from which on rows may not be in the document yet
 * @param mark what is pending at the moment the state is written
 * @returns the key of the new row, and the rows that did not decode
 */
export async function compact(
  database: IDBDatabase,
  doc: Y.Doc,
  origin: unknown,
  firstUnknown: number,
  mark: () => { key: string; value: DirtyMark } | null,
): Promise<{ key: number; corrupt: Row[] }> {
  const transaction = database.transaction([updatesStore, customStore], 'readwrite')
  const done = completionOf(transaction)
  const updates = transaction.objectStore(updatesStore)
  const range = IDBKeyRange.lowerBound(firstUnknown)
  const [keys, values] = await Promise.all([
    resultOf(updates.getAllKeys(range)),
    resultOf<unknown[]>(updates.getAll(range)),
  ])
  const corrupt = applyRows(
    doc,
    keys.map((key, index) => ({ key, update: values[index] })),
    origin,
  )
  moveToQuarantine(transaction, corrupt)
  const dirty = mark()
  if (dirty) transaction.objectStore(customStore).put(dirty.value, dirty.key)
  const key = Number(await resultOf(updates.add(Y.encodeStateAsUpdate(doc))))
  updates.delete(IDBKeyRange.upperBound(key, true))
  await done
  return { key, corrupt }
}
