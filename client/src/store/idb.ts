import { type Clock, TidemarkError } from '@tidemark/shared'

/** The names of y-indexeddb's object stores: its databases open here, and ours open there. */
export const updatesStore = 'updates'
export const customStore = 'custom'

export interface Patience {
  readonly clock: Clock
  /** How long the browser may take for an answer, in ms. */
  readonly openTimeLimit: number
}

export interface Connection {
  readonly database: IDBDatabase
  /** The database did not exist before. */
  readonly isNew: boolean
}

/**
 * Opens a database of y-indexeddb's format, or makes one.
 * @param patience with its transactions; without it they are waited for
 */
export function openDatabase(name: string, patience?: Patience): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name)
    let isNew = false
    request.onupgradeneeded = () => {
      isNew = true
      request.result.createObjectStore(updatesStore, { autoIncrement: true })
      request.result.createObjectStore(customStore)
    }
    request.onsuccess = () => resolve({ database: patiently(yielding(request.result), patience), isNew })
    request.onerror = () => reject(request.error)
  })
}

/** @returns null when there is no such database; looking does not make one */
export function openExisting(name: string, patience?: Patience): Promise<IDBDatabase | null> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name)
    let isMissing = false
    request.onupgradeneeded = () => {
      isMissing = true
      request.transaction?.abort()
    }
    request.onsuccess = () => resolve(patiently(yielding(request.result), patience))
    request.onerror = (event) => {
      event.preventDefault()
      if (isMissing) resolve(null)
      else reject(request.error)
    }
  })
}

/** Whoever deletes a database waits for all who have it open, and tells them once: so each connection yields. */
function yielding(database: IDBDatabase): IDBDatabase {
  database.onversionchange = () => database.close()
  return database
}

/** Time is counted in turns: a page that has slept hears its timers first, and what the browser has answered after that. */
const turns = 4
const patienceWith = new WeakMap<IDBDatabase, Patience>()
const watched = new WeakMap<IDBTransaction, { answered(): void; over(): void }>()

/** From here on the transactions of this connection are given up that get no answer for so long. */
export function patiently(database: IDBDatabase, patience: Patience | undefined): IDBDatabase {
  if (patience) patienceWith.set(database, patience)
  return database
}

/**
 * Begins a transaction. One that the browser does not answer is aborted: whatever is asked for after it, in any tab,
 * would wait for its end. It gets more time when it is tried again, as the device may just be slow.
 * @param onSilent there was no answer in time
 * @throws {DOMException}
 */
export function begin(
  database: IDBDatabase,
  stores: string | string[],
  mode: IDBTransactionMode = 'readonly',
  { failures = 0, onSilent }: { readonly failures?: number; readonly onSilent?: () => void } = {},
): IDBTransaction {
  const transaction = database.transaction(stores, mode)
  const patience = patienceWith.get(database)
  if (!patience) return transaction
  const limit = patience.openTimeLimit * 2 ** Math.min(failures, 3)
  let cancel = () => {}
  const wait = (left: number) => {
    cancel = patience.clock.after(limit / turns, () => {
      if (left > 1) {
        wait(left - 1)
        return
      }
      // which a browser refuses that is completing it already
      abortQuietly(transaction)
      onSilent?.()
    })
  }
  wait(turns)
  const over = () => cancel()
  for (const type of ['complete', 'abort']) transaction.addEventListener(type, over)
  const answered = () => {
    cancel()
    wait(turns)
  }
  watched.set(transaction, { answered, over })
  return transaction
}

/** A request of a transaction has succeeded: the browser does answer. */
export function answered({ transaction }: IDBRequest): void {
  if (transaction) watched.get(transaction)?.answered()
}

/** @throws {DOMException} */
export function resultOf<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      answered(request)
      resolve(request.result)
    }
    request.onerror = () => reject(request.error)
  })
}

/**
 * A write is done when its transaction is, not when its request succeeds.
 * @throws {DOMException}
 */
export function completionOf(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () =>
      reject(transaction.error ?? new DOMException('the transaction was aborted', 'AbortError'))
  })
}

/** Takes back what a transaction holds. @returns whether that could still be done */
export function abortQuietly(transaction: IDBTransaction | null): boolean {
  if (!transaction) return false
  watched.get(transaction)?.over()
  try {
    transaction.abort()
    return true
  } catch {
    return false
  }
}

/** What a failed write means. */
export function writeError(cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause
  const isFull = cause instanceof DOMException && cause.name === 'QuotaExceededError'
  return new TidemarkError(isFull ? 'local-storage-full' : 'local-storage-failed', undefined, { cause })
}

export function deleteDatabase(name: string): Promise<unknown> {
  return resultOf(indexedDB.deleteDatabase(name))
}

/**
 * Deletes a database as soon as nobody has it open.
 * @returns false when that takes longer than `limit` ms
 */
export async function deleteWithin(clock: Clock, limit: number, name: string): Promise<boolean> {
  let cancel = () => {}
  const tooLate = new Promise<boolean>((resolve) => {
    cancel = clock.after(limit, () => resolve(false))
  })
  try {
    return await Promise.race([deleteDatabase(name).then(() => true), tooLate])
  } finally {
    cancel()
  }
}

/** Asking alone may throw, where a browser forbids storage to a page. */
export function hasIndexeddb(): boolean {
  try {
    return Boolean(globalThis.indexedDB)
  } catch {
    return false
  }
}

/** @returns null where the browser does not tell: what was opened is all that is known then */
export async function listDatabases(): Promise<string[] | null> {
  try {
    const databases = await globalThis.indexedDB.databases()
    return databases.flatMap(({ name }) => (name === undefined ? [] : [name]))
  } catch {
    return null
  }
}
