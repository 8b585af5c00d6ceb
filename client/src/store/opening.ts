import { type Clock, TidemarkError } from '@tidemark/shared'
import type { Locks } from '../tabs/world.ts'
import { within } from '../time-limit.ts'
import { openDatabase, openExisting, type Patience, patiently } from './idb.ts'
import { databaseName } from './names.ts'
import { type Contents, readContents, readRecordsOf } from './rows.ts'
import { type OpenedRows, openRows, type Seals } from './seals.ts'
import { beginAfterWipe } from './wipe.ts'

/** The newest of a document's copies, with what is in it. */
export interface OpenedCopy {
  readonly name: string
  readonly generation: number
  readonly database: IDBDatabase
  readonly contents: Contents
  readonly seals: Seals | null
  readonly rows: OpenedRows
  /** Somebody has deleted the database since it was opened, or is about to; the connection is closed then. */
  readonly isDeleted: () => boolean
}

export interface OpeningMeans extends Patience {
  /** Called whenever the browser has answered. */
  readonly onProgress?: (() => void) | undefined
  readonly namespace: string
  readonly seals?: ((database: string) => Seals) | undefined
}

/**
 * Goes on from copies that were set aside to the one that took their place (R9.4), and reads it.
 * @param first the document's first copy, if it is open already
 * @throws {TidemarkError} `local-storage-key-wrong`: nothing was written
 */
export async function openNewest(
  document: string,
  means: OpeningMeans,
  first?: Promise<IDBDatabase>,
): Promise<OpenedCopy> {
  for (let generation = 0, opening = first; ; opening = undefined) {
    const name = databaseName(means.namespace, document, generation)
    let database = (await opening) ?? (await openDatabase(name)).database
    patiently(database, means)
    let isDeleted = yieldToDeletion(database)
    means.onProgress?.()
    try {
      let contents = await readContents(database, means.onProgress).catch((cause: unknown) => {
        if (isClosed(cause)) return null
        throw cause
      })
      if (!contents) {
        // It was deleted just when it was opened: what was there then is no more.
        database = (await openDatabase(name, means)).database
        isDeleted = yieldToDeletion(database)
        contents = await readContents(database, means.onProgress)
      }
      if (contents.isWiped) {
        await beginAfterWipe(database)
        contents = await readContents(database, means.onProgress)
      }
      if (!contents.setAside) {
        const seals = means.seals?.(name) ?? null
        if (!seals && contents.keyCheck !== undefined) throw new TidemarkError('local-storage-key-wrong')
        await seals?.verify(contents)
        const rows = await openRows(seals, contents.rows)
        return { name, generation, database, contents, seals, rows, isDeleted }
      }
      generation = Math.max(contents.setAside.next, generation + 1)
    } catch (error) {
      database.close()
      throw error
    }
    database.close()
  }
}

/**
 * A connection that stays open holds up whoever deletes the database, and is told of it only once.
 * @returns whether that has happened
 */
function yieldToDeletion(database: IDBDatabase): () => boolean {
  let isDeleted = false
  database.onversionchange = () => {
    isDeleted = true
    database.close()
  }
  return () => isDeleted
}

function isClosed(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === 'InvalidStateError'
}

/**
 * Much to read may take its time; a browser that does not answer may not.
 * @param limit in ms, for each answer
 */
export async function whileAnswering<Result>(
  clock: Clock,
  limit: number,
  work: (onProgress: () => void) => Promise<Result>,
): Promise<Result> {
  const silence = Promise.withResolvers<never>()
  let isOver = false
  let cancel = () => {}
  const onProgress = () => {
    cancel()
    if (isOver) return
    cancel = clock.after(limit, () => silence.reject(new Error(`IndexedDB did not answer within ${limit} ms`)))
  }
  onProgress()
  try {
    return await Promise.race([work(onProgress), silence.promise])
  } finally {
    isOver = true
    cancel()
  }
}

/** @returns null when the database is not the one of that id: it was thrown away, and perhaps made anew */
export async function openAgain(name: string, id: string | undefined, patience: Patience): Promise<IDBDatabase | null> {
  const database = await openExisting(name, patience)
  if (!database) return null
  const { copy, isWiped } = await readRecordsOf(database)
  if (isWiped) {
    database.close()
    throw new TidemarkError('local-storage-unavailable', undefined, { cause: new Error('somebody has signed out') })
  }
  if (id === undefined || copy?.id === id) return database
  database.close()
  return null
}

/** ms that a document waits for its lock. */
const lockPatience = 500

/**
 * A browser may not answer: a page that is prerendered gets no lock before somebody looks at it. Its document opens all
 * the same, from the local store, and is protected from eviction once the lock comes.
 */
export async function heldSoon(clock: Clock, held: Promise<unknown>, openTimeLimit: number): Promise<void> {
  const patience = Math.min(lockPatience, openTimeLimit / 2)
  await within(clock, patience, 'getting the lock of a copy', held).catch(() => {})
}

/** While it is held, nobody evicts the document's copies. */
export const openLockName = (namespace: string, document: string): string =>
  `tidemark:open:${databaseName(namespace, document)}`

/** Those hold it, too, who write with a key: nobody else does who has the copy open, if as many hold both. */
export const keyLockName = (namespace: string, document: string): string =>
  `tidemark:keyed:${databaseName(namespace, document)}`

/**
 * Takes a lock that others may have, too.
 * @returns resolves when it is held, or cannot be; with a function that lets go
 */
export function holdShared(locks: Locks | null, name: string): Promise<() => void> {
  if (!locks) return Promise.resolve(() => {})
  const end = Promise.withResolvers<void>()
  return new Promise((resolve) => {
    locks
      .request(name, { mode: 'shared' }, () => {
        resolve(end.resolve)
        return end.promise
      })
      // where the page may not have locks, nobody else evicts either
      .catch(() => resolve(end.resolve))
  })
}
