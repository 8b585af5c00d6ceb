import type { Pace } from '@tidemark/shared'
import type * as Y from 'yjs'
import { bringWithin, transacting } from '../replica/bring.ts'
import { begin, completionOf, customStore, resultOf, updatesStore } from './idb.ts'
import { putInQuarantine, type Records, readRecords } from './records.ts'
import { bringStored } from './stored-content.ts'

export interface Row {
  readonly key: IDBValidKey
  readonly update: unknown
}

const rowsAtOnce = 1_000

export interface Contents extends Records {
  readonly rows: readonly Row[]
}

/**
 * Reads everything in one transaction, so that the dirty marks stand for edits that are among the rows.
 * @param onProgress called whenever the browser has answered
 */
export async function readContents(database: IDBDatabase, onProgress: () => void = () => {}): Promise<Contents> {
  const transaction = begin(database, [updatesStore, customStore])
  const updates = transaction.objectStore(updatesStore)
  // many at once would be one long task
  let reading = rowsOf(updates, null, rowsAtOnce)
  const [records] = await Promise.all([recordsOf(transaction.objectStore(customStore)), reading])
  const rows: Row[] = []
  for (;;) {
    const some: Row[] = await reading
    rows.push(...some)
    onProgress()
    if (some.length < rowsAtOnce) return { ...records, rows }
    reading = rowsOf(updates, IDBKeyRange.lowerBound(some.at(-1)!.key, true), rowsAtOnce)
  }
}

/** Only what stands beside the rows. */
export function readRecordsOf(database: IDBDatabase): Promise<Records> {
  return recordsOf(begin(database, customStore).objectStore(customStore))
}

export async function recordsOf(custom: IDBObjectStore): Promise<Records> {
  const [keys, values] = await Promise.all([resultOf(custom.getAllKeys()), resultOf<unknown[]>(custom.getAll())])
  return readRecords(keys, values)
}

/** @returns at most `limit` rows, in order */
export async function readRows(database: IDBDatabase, range: IDBKeyRange | null, limit: number): Promise<Row[]> {
  return rowsOf(begin(database, updatesStore).objectStore(updatesStore), range, limit)
}

async function rowsOf(updates: IDBObjectStore, range: IDBKeyRange | null, limit: number): Promise<Row[]> {
  const [keys, values] = await Promise.all([
    resultOf(updates.getAllKeys(range, limit)),
    resultOf<unknown[]>(updates.getAll(range, limit)),
  ])
  return keys.map((key, index) => ({ key, update: values[index] }))
}

/** Brings rows into the document, those of one slice in one transaction. @returns the rows that do not decode */
export async function applyInSlices(doc: Y.Doc, rows: readonly Row[], origin: unknown, pace: Pace): Promise<Row[]> {
  const corrupt: Row[] = []
  for (let next = 0; next < rows.length; ) {
    const slice = () => {
      do {
        const row = rows[next++]!
        if (bringWithin(doc, row.update, origin).kind === 'unreadable') corrupt.push(row)
      } while (next < rows.length && !pace.isOver())
    }
    bringStored(doc, () => transacting(doc, origin, slice))
    if (pace.isOver()) await pace.rest()
  }
  return corrupt
}

/** Moves rows that do not decode to where they are kept and no longer in the way (R6.1). */
export async function quarantine(database: IDBDatabase, rows: readonly Row[]): Promise<void> {
  const transaction = begin(database, [updatesStore, customStore], 'readwrite')
  moveToQuarantine(transaction.objectStore(updatesStore), transaction.objectStore(customStore), rows)
  await completionOf(transaction)
}

export function moveToQuarantine(updates: IDBObjectStore, custom: IDBObjectStore, rows: readonly Row[]): void {
  putInQuarantine(custom, rows)
  for (const { key } of rows) updates.delete(key)
}
