import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import type { Database } from '../database/database.ts'
import { classify } from '../database/failures.ts'
import { findOrCreate, quarantine, readTail, type StoredDocument, type StoredUpdate } from './store.ts'

export interface LoadedState {
  stored: StoredDocument
  /** How much journal lies behind the snapshot: what the next snapshot would save (R8.1). */
  tail: { rows: number; bytes: number }
}

/** A row that did not decode has been put into quarantine; loading again goes without it. */
export class RowQuarantined extends Error {
  readonly row: { source: 'update' | 'snapshot'; revision: number }
  readonly summary: string

  constructor(row: { source: 'update' | 'snapshot'; revision: number }, cause: unknown) {
    // without a message, because Hocuspocus prints messages to the console
    super('', { cause })
    this.name = 'RowQuarantined'
    this.summary = `${row.source} ${row.revision} does not decode and was put into quarantine`
    this.row = row
  }
}

/** Why a document cannot be loaded: without a message, because Hocuspocus prints messages to the console. */
export class LoadingFailed extends Error {
  constructor(cause: unknown) {
    super('', { cause })
    this.name = 'LoadingFailed'
  }
}

/** Throws what Hocuspocus does not print: whoever asked for the document logs it, once (R5.3). */
export function quietly(error: unknown): never {
  throw error instanceof RowQuarantined ? error : new LoadingFailed(error)
}

/**
 * Fills `target` from the newest snapshot and the journal behind it (R7.2).
 * @throws {TidemarkError} `storage-unavailable` when it cannot be read now
 * @throws {RowQuarantined} when a row did not decode: `target` may hold a part of it, so it must be thrown away (R6.1)
 */
export async function load(database: Database, name: string, target: Y.Doc): Promise<LoadedState> {
  const { stored, updates } = await read(database, name)
  try {
    target.transact(() => {
      if (stored.snapshot) Y.applyUpdate(target, stored.snapshot.bytes)
      for (const { bytes } of updates) Y.applyUpdate(target, bytes)
    }, loadOrigin)
  } catch (error) {
    throw await quarantineCulprit(database, stored, updates, error)
  }
  let bytes = 0
  for (const update of updates) bytes += update.bytes.byteLength
  const head = Math.max(stored.head, updates.at(-1)?.revision ?? 0)
  return { stored: { ...stored, head }, tail: { rows: updates.length, bytes } }
}

async function read(database: Database, name: string): Promise<{ stored: StoredDocument; updates: StoredUpdate[] }> {
  try {
    const stored = await findOrCreate(database, name)
    const covered = stored.snapshot?.revision ?? 0
    // whatever is committed after this look is found by the next commit of this process (R7.5)
    return { stored, updates: stored.head > covered ? await readTail(database, stored.id, covered) : [] }
  } catch (cause) {
    throw new TidemarkError('storage-unavailable', undefined, { cause })
  }
}

/** The transaction origin of stored content, so that nobody takes it for an edit. */
export const loadOrigin = Symbol('tidemark load')

/** @throws {TidemarkError} `storage-unavailable` when the database does not take it now: the next opening tries again */
async function putAside(database: Database, row: Parameters<typeof quarantine>[1]): Promise<void> {
  try {
    await quarantine(database, row)
  } catch (cause) {
    throw classify(cause) === 'data' ? cause : new TidemarkError('storage-unavailable', undefined, { cause })
  }
}

/** A parser's message quotes what it read, and no text of Postgres holds a zero. */
function reasonOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replaceAll('\0', '\\0')
}

/** Finds the first row that fails, by applying them one after another to a document that is thrown away. */
async function quarantineCulprit(
  database: Database,
  stored: StoredDocument,
  updates: StoredUpdate[],
  error: unknown,
): Promise<Error> {
  const scratch = new Y.Doc()
  const rows = [
    ...(stored.snapshot ? [{ source: 'snapshot' as const, ...stored.snapshot }] : []),
    ...updates.map((update) => ({ source: 'update' as const, ...update })),
  ]
  for (const row of rows) {
    try {
      Y.applyUpdate(scratch, row.bytes)
    } catch (cause) {
      await putAside(database, { documentId: stored.id, ...row, reason: reasonOf(cause) })
      return new RowQuarantined(row, cause)
    }
  }
  // each row applies by itself: not the rows' fault
  return error instanceof Error ? error : new Error(String(error))
}
