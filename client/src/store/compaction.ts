import { encodeInSlices, type Pace } from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { type DirtyMark, isForeign } from './dirty-mark.ts'
import { abortQuietly, begin, completionOf, customStore, resultOf, updatesStore } from './idb.ts'
import { inSlices } from './pace.ts'
import { mergeMarks, putKeyCheck } from './records.ts'
import { applyInSlices, moveToQuarantine, type Row, readRecordsOf, readRows, recordsOf } from './rows.ts'
import { isSealed, openRows, type Seals } from './seals.ts'

export interface CompactionMeans {
  readonly database: IDBDatabase
  readonly doc: Y.Doc
  /** Of the transactions that bring rows of other tabs. */
  readonly origin: unknown
  /** Rows with smaller keys are in the document. */
  readonly firstUnknown: number
  /** Rows that this tab has written: they are in the document, too. */
  readonly isOwn: (key: number) => boolean
  /** Null where rows are stored in the clear. */
  readonly seals: Seals | null
  /** Whether nobody has the copy open who writes in the clear. */
  readonly haveAllTheKey: () => Promise<boolean>
  /** On whose behalf this opening edits. */
  readonly account: string | null
  /** By opening: what is pending of the edits that are in the document now. */
  readonly pending: () => ReadonlyMap<string, DirtyMark>
  /** Do these marks stand for edits that are not counted in this tab? Its document must not get them unawares (R1.1). */
  readonly hasUncounted: (marks: ReadonlyMap<string, DirtyMark>) => boolean
  /** Asked after each slice: the copy is being closed, which should not take long. */
  readonly isClosing: () => boolean
  /** Asked before anything is replaced: whether it may still be. */
  readonly isWanted: () => boolean
}

export interface Compacted {
  /** The key of the snapshot; everything up to it is in the document. */
  readonly key: number
  readonly bytes: number
  readonly rows: number
  /** Rows that were put into quarantine because they do not decode, or were tampered with. */
  readonly corrupt: number
  readonly tampered: number
}

/** Where the last snapshot stands and what it holds, so that who has all of that need not read it again. */
const snapshotKey = 'tidemark:snapshot'
interface SnapshotRecord {
  readonly key: number
  readonly vector: Uint8Array
  readonly deletionsAt: number
}

const rowsAtOnce = 32
const deletionsAtOnce = 500

/**
 * Makes one row of all rows up to the newest one there is now, in slices; rows that are written meanwhile stay.
 * The document holds all of them when it is encoded, and they are replaced in one transaction: a crash at any moment
 * leaves either the rows or the snapshot.
 * @returns null when it was not wanted any more, or there is nothing to compact
 */
export async function compact(means: CompactionMeans): Promise<Compacted | null> {
  const { database, doc, seals } = means
  const pace = until(means.isClosing, inSlices())
  const transaction = begin(database, [updatesStore, customStore])
  const [newest, snapshot, { marks, account: owner, keyCheck }] = await Promise.all([
    resultOf(transaction.objectStore(updatesStore).openKeyCursor(null, 'prev')),
    resultOf<SnapshotRecord | undefined>(transaction.objectStore(customStore).get(snapshotKey)),
    recordsOf(transaction.objectStore(customStore)),
  ])
  if (!newest) return null
  await seals?.heed(keyCheck)
  // What another account has pending would be in this document then, and be sent with this one's token (D3.6).
  if (means.account !== null && isForeign(marks.values(), owner, means.account)) return null
  if (means.hasUncounted(marks)) return null
  const key = Number(newest.key)
  const corrupt: Row[] = []
  const tampered: Row[] = []
  for (let from = means.firstUnknown; from <= key; ) {
    const rows = await readRows(database, IDBKeyRange.bound(from, key), rowsAtOnce)
    if (rows.length === 0) break
    from = Number(rows.at(-1)!.key) + 1
    const opened = await openRows(
      seals,
      rows.filter((row) => !means.isOwn(Number(row.key))),
    )
    tampered.push(...opened.tampered)
    await pace.rest()
    const unknown = opened.opened.flatMap((row) => lacking(doc, row, snapshot))
    corrupt.push(...(await applyInSlices(doc, unknown, means.origin, pace)))
  }
  // What other tabs have told may not be stored by them yet; the snapshot holds it, so their marks go with it.
  const pendingThen = means.pending()
  const { update, deletionsAt, vector, pending } = await encodeInSlices(doc, pace)
  const seal = (bytes: Uint8Array | null) => (seals && bytes ? seals.seal(bytes) : bytes)
  const [row, pendingRow, check, isLastInClear] = await Promise.all([
    ...([seal(update), seal(pending), seals?.check()] as const),
    seals?.takesClear ? means.haveAllTheKey() : false,
  ])
  const checkOfAll = isLastInClear ? await seals?.check(true) : undefined
  await pace.rest()
  if (!means.isWanted()) return null
  const record: SnapshotRecord = { key, vector, deletionsAt }
  const rows = await replace(database, key, (updates, custom) => {
    moveToQuarantine(updates, custom, [...corrupt, ...tampered])
    updates.put(row, key)
    if (pendingRow) updates.add(pendingRow)
    custom.put(record, snapshotKey)
    if (seals) putKeyCheck(custom, check, seals)
    if (seals && checkOfAll) putCheckOfAll({ updates, custom }, key, checkOfAll, seals)
    mergeMarks(custom, common(pendingThen, means.pending()), means.account)
  })
  if (seals && checkOfAll) await heedAgain(database, seals)
  return { key, bytes: update.length, rows, corrupt: corrupt.length, tampered: tampered.length }
}

/** The snapshot replaces what was in the clear, unless somebody has added to that meanwhile. */
function putCheckOfAll(
  { updates, custom }: { readonly updates: IDBObjectStore; readonly custom: IDBObjectStore },
  key: number,
  check: unknown,
  seals: Seals,
): void {
  const rest = updates.getAll(IDBKeyRange.lowerBound(key))
  rest.onsuccess = () => {
    if (rest.result.every(isSealed)) putKeyCheck(custom, check, seals)
  }
}

async function heedAgain(database: IDBDatabase, seals: Seals): Promise<void> {
  const { keyCheck } = await readRecordsOf(database)
  await seals.heed(keyCheck)
}

/** What was pending then, as far as it is pending still. */
function common(then: ReadonlyMap<string, DirtyMark>, now: ReadonlyMap<string, DirtyMark>): Map<string, DirtyMark> {
  const marks = new Map<string, DirtyMark>()
  for (const [opening, { from, to }] of then) {
    const later = now.get(opening)
    if (later && later.from <= to) marks.set(opening, { from: Math.max(from, later.from), to })
  }
  return marks
}

/** @returns how many rows there are then */
async function replace(
  database: IDBDatabase,
  key: number,
  put: (updates: IDBObjectStore, custom: IDBObjectStore) => void,
): Promise<number> {
  const transaction = begin(database, [updatesStore, customStore], 'readwrite')
  const done = completionOf(transaction)
  try {
    const updates = transaction.objectStore(updatesStore)
    put(updates, transaction.objectStore(customStore))
    updates.delete(IDBKeyRange.upperBound(key, true))
    const rows = updates.count()
    await done
    return rows.result
  } catch (cause) {
    done.catch(() => {})
    // else what it holds until here would be committed
    abortQuietly(transaction)
    throw cause
  }
}

/** @throws {DOMException} `AbortError` when it rests and is over */
function until(isOver: () => boolean, pace: Pace): Pace {
  return {
    isOver: () => pace.isOver(),
    async rest() {
      await pace.rest()
      if (isOver()) throw new DOMException('the copy is being closed', 'AbortError')
    },
  }
}

/** What of a row may be missing in the document: of a snapshot whose content it has, the deletions at most. */
function lacking(doc: Y.Doc, row: Row, snapshot: SnapshotRecord | undefined): Row[] {
  const { key, update } = row
  if (snapshot?.key !== key || !(update instanceof Uint8Array)) return [row]
  for (const [client, clock] of Y.decodeStateVector(snapshot.vector)) {
    if (Y.getState(doc.store, client) < clock) return [row]
  }
  return deletionsOf(update, snapshot.deletionsAt).map((deletions) => ({ key, update: deletions }))
}

/** The deletions of an update, as updates that are each applied in no time. */
function deletionsOf(update: Uint8Array, at: number): Uint8Array[] {
  const found: Uint8Array[] = []
  const decoder = decoding.createDecoder(update.subarray(at))
  for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
    const client = decoding.readVarUint(decoder)
    for (let left = decoding.readVarUint(decoder); left > 0; ) {
      const count = Math.min(left, deletionsAtOnce)
      const encoder = encoding.createEncoder()
      for (const number of [0, 1, client, count]) encoding.writeVarUint(encoder, number)
      for (let number = 0; number < count * 2; number++) {
        encoding.writeVarUint(encoder, decoding.readVarUint(decoder))
      }
      found.push(encoding.toUint8Array(encoder))
      left -= count
    }
  }
  return found
}
