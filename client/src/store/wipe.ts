import { type Clock, TidemarkError } from '@tidemark/shared'
import { within } from '../time-limit.ts'
import { begin, completionOf, customStore, deleteWithin, openExisting, updatesStore } from './idb.ts'
import { wipedKey } from './records.ts'

/** ms for each step. */
const limit = 2_000

/**
 * Deletes databases in which a person's documents were kept. Each is emptied first: a tab that does not let go (it is
 * frozen, or of another program) holds up the deletion, and must not keep what was in it for the next person.
 * @param signal aborted when nobody waits any more: a browser that could not answer in time may do so much later, and
 *   what is there by then is somebody else's
 * @throws {TidemarkError} `local-storage-in-use`: a database is still there; emptied, unless `cause` says otherwise. It
 *   is deleted when its document is opened or signed out again, or when it is evicted.
 */
export async function wipe(clock: Clock, databases: readonly string[], signal: AbortSignal): Promise<void> {
  const emptied = new Map<string, { readonly failure: unknown }>()
  for (const name of databases) {
    signal.throwIfAborted()
    const failure: unknown = await empty(clock, name).then(
      () => null,
      (cause: unknown) => cause,
    )
    emptied.set(name, { failure })
  }
  const failures: unknown[] = []
  for (const [name, { failure }] of emptied) {
    signal.throwIfAborted()
    const isGone = await deleteWithin(clock, limit, name).catch((cause: unknown) => {
      failures.push(cause)
      return true
    })
    if (!isGone) failures.push(failure)
  }
  if (failures.length === 0) return
  throw new TidemarkError('local-storage-in-use', undefined, { cause: failures.find(Boolean) })
}

async function empty(clock: Clock, name: string): Promise<void> {
  let isTooLate = false
  const emptying = async () => {
    const database = await openExisting(name, { clock, openTimeLimit: limit })
    try {
      if (database && !isTooLate) await clear(database, () => isTooLate)
    } finally {
      database?.close()
    }
  }
  try {
    await within(clock, limit, 'emptying a local database', emptying())
  } finally {
    isTooLate = true
  }
}

/** Where there is no space even for the note, there is once all else is gone. */
async function clear(database: IDBDatabase, isTooLate: () => boolean): Promise<void> {
  try {
    await clearAll(database, 'with a note')
  } catch (cause) {
    // what is in it by then may be the next person's
    if (isTooLate()) throw cause
    await clearAll(database, 'without')
    if (!isTooLate()) await clearAll(database, 'with a note').catch(() => {})
  }
}

async function clearAll(database: IDBDatabase, how: 'with a note' | 'without'): Promise<void> {
  const transaction = begin(database, [updatesStore, customStore], 'readwrite')
  transaction.objectStore(updatesStore).clear()
  const custom = transaction.objectStore(customStore)
  custom.clear()
  if (how === 'with a note') custom.put(true, wipedKey)
  await completionOf(transaction)
}

/** What a database that could not be deleted then has got since: nobody's. It is used anew. */
export async function beginAfterWipe(database: IDBDatabase): Promise<void> {
  const transaction = begin(database, [updatesStore, customStore], 'readwrite')
  const custom = transaction.objectStore(customStore)
  const wiped = custom.count(wipedKey)
  wiped.onsuccess = () => {
    // another opening has begun anew already
    if (wiped.result === 0) return
    transaction.objectStore(updatesStore).clear()
    custom.clear()
  }
  await completionOf(transaction)
}
