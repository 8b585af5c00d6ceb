import { type Clock, uniqueName } from '@tidemark/shared'
import type { Locks } from '../tabs/world.ts'
import { within } from '../time-limit.ts'
import { begin, completionOf, customStore, deleteWithin, listDatabases, openExisting, updatesStore } from './idb.ts'
import { databaseName, parseDatabaseName } from './names.ts'
import { openLockName } from './opening.ts'
import { type CopyRecord, putCopy } from './records.ts'
import { readRecordsOf, readRows } from './rows.ts'
import { sizeOf } from './seals.ts'

/** How much one namespace keeps on this device, of what the server has, too. */
export interface CacheLimits {
  /** Default 20 MB. */
  readonly maxBytes: number
  /** In ms: how long a copy that is not used is kept. Default 7 days. */
  readonly maxAge: number
}

export interface EvictionMeans {
  readonly namespace: string
  readonly clock: Clock
  readonly locks: Locks
  readonly limits: CacheLimits
}

/** A document with all its copies, as far as it decides about them. */
interface Kept {
  readonly document: string
  /** The newest first: were deleting interrupted, a copy that is left must not be found behind a new one. */
  readonly databases: readonly string[]
  readonly usedAt: number
  readonly bytes: number
  /** The server has everything of it. */
  readonly isEvictable: boolean
}

const rowsAtOnce = 100
/** ms that a database may be in use by somebody who has no lock. */
const patience = 1_000

/**
 * Deletes copies that were not used for long, and the least recently used beyond the budget (D2.3): only such as hold
 * nothing that the server lacks, and that no tab has open, which their locks tell.
 * @returns the documents whose copies were deleted
 */
export async function evict(means: EvictionMeans): Promise<string[]> {
  const name = `tidemark:evict:${encodeURIComponent(means.namespace)}`
  return means.locks.request(name, { ifAvailable: true }, (lock) => (lock ? evictAll(means) : []))
}

async function evictAll({ namespace, clock, locks, limits }: EvictionMeans): Promise<string[]> {
  const all: Kept[] = []
  for (const [document, databases] of await databasesOf(namespace)) {
    // one that does not open now is seen to another time
    const kept = within(clock, patience, 'looking into a copy', inspect(document, databases, clock))
    all.push(
      ...(await kept.then(
        (one) => [one],
        () => [],
      )),
    )
  }
  let bytes = all.reduce((sum, kept) => sum + kept.bytes, 0)
  const evicted: string[] = []
  for (const kept of all.filter(({ isEvictable }) => isEvictable).sort((a, b) => a.usedAt - b.usedAt)) {
    if (clock.now() - kept.usedAt <= limits.maxAge && bytes <= limits.maxBytes) break
    const isGone = await locks.request(
      openLockName(namespace, kept.document),
      { ifAvailable: true },
      async (lock) => lock !== null && remove(kept, clock),
    )
    if (!isGone) continue
    bytes -= kept.bytes
    evicted.push(kept.document)
  }
  return evicted
}

/** By document. Without a prefix, or where the browser does not list databases, nothing is known to be a copy. */
async function databasesOf(namespace: string): Promise<Map<string, string[]>> {
  const generations = new Map<string, number[]>()
  for (const name of (namespace === '' ? null : await listDatabases()) ?? []) {
    const copy = parseDatabaseName(namespace, name)
    if (copy) generations.set(copy.document, [...(generations.get(copy.document) ?? []), copy.generation])
  }
  return new Map(
    [...generations].map(([document, numbers]) => [
      document,
      numbers.sort((a, b) => b - a).map((generation) => databaseName(namespace, document, generation)),
    ]),
  )
}

async function inspect(document: string, databases: readonly string[], clock: Clock): Promise<Kept> {
  let usedAt = 0
  let bytes = 0
  let isEvictable = true
  for (const name of databases) {
    const database = await openExisting(name, { clock, openTimeLimit: patience })
    if (!database) continue
    try {
      const { marks, setAside, hasQuarantine, history, copy } = await readRecordsOf(database)
      const { length: rows } = await readRows(database, null, 1)
      const known = copy ?? (rows > 0 && !setAside ? await stamp(database, clock) : null)
      usedAt = Math.max(usedAt, known?.usedAt ?? 0)
      bytes += known?.bytes ?? 0
      // what was never synced may have been made before there were marks
      const isNeeded = marks.size > 0 || hasQuarantine || (rows > 0 && (setAside !== null || history === null))
      if (isNeeded) isEvictable = false
    } finally {
      database.close()
    }
  }
  return { document, databases, usedAt, bytes, isEvictable }
}

/**
 * Under the lock: nobody has it open, and nobody opens it now. Those wait for the lock, so it is not held for long:
 * a program that knows of no lock may not let go of its connection.
 */
async function remove(kept: Kept, clock: Clock): Promise<boolean> {
  let isTooLate = false
  const removing = async () => {
    const now = await inspect(kept.document, kept.databases, clock)
    if (isTooLate || !now.isEvictable || now.usedAt !== kept.usedAt) return false
    for (const name of kept.databases) if (isTooLate || !(await deleteWithin(clock, patience, name))) return false
    return true
  }
  return within(clock, 2 * patience, 'evicting a copy', removing())
    .catch(() => false)
    .finally(() => {
      isTooLate = true
    })
}

/** A copy of which nobody has noted when it was used counts as used now. */
async function stamp(database: IDBDatabase, clock: Clock): Promise<CopyRecord> {
  let bytes = 0
  for (let range: IDBKeyRange | null = null; ; ) {
    const rows = await readRows(database, range, rowsAtOnce)
    for (const { update } of rows) bytes += sizeOf(update)
    const last = rows.at(-1)
    if (!last || rows.length < rowsAtOnce) break
    range = IDBKeyRange.lowerBound(last.key, true)
  }
  const record = { id: uniqueName(clock), usedAt: clock.now(), bytes }
  const transaction = begin(database, [updatesStore, customStore], 'readwrite')
  putCopy(transaction.objectStore(customStore), record, () => {})
  await completionOf(transaction)
  return record
}
