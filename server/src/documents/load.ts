import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import type { Database } from '../database/database.ts'
import { classify } from '../database/failures.ts'
import { Application, DamagedRow, type Grouping } from './apply.ts'
import { leaveFormatsToClients } from './formats.ts'
import { Memory } from './memory.ts'
import { DocumentSize } from './size.ts'
import { findOrCreate, quarantine, type StoredDocument, type StoredSnapshot } from './store.ts'
import { noteBetween, readInPieces, readUpdate, type StoredRow, tailPages } from './stored-rows.ts'

export interface LoadedState {
  stored: StoredDocument
  /** How much journal lies behind the snapshot: what the next snapshot would save (R8.1). */
  tail: { rows: number; bytes: number }
  /** Revisions whose updates it does not hold, because they were in quarantine when it was read (R7.9). */
  missing: Set<number>
}

export { loadOrigin } from './apply.ts'

/** A row that did not decode has been put into quarantine; loading again goes without it. */
export class RowQuarantined extends Error {
  readonly row: { source: 'update' | 'snapshot'; revision: number }
  readonly summary: string

  constructor(row: { source: 'update' | 'snapshot'; revision: number }, cause: unknown, fault = 'does not decode') {
    // without a message, because Hocuspocus prints messages to the console
    super('', { cause })
    this.name = 'RowQuarantined'
    this.summary = `${row.source} ${row.revision} ${fault} and was put into quarantine`
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
 * Fills `target` from the newest snapshot and the journal behind it (R7.2), in slices between which other documents have
 * their turn (R6.12).
 * @throws {TidemarkError} `storage-unavailable` when it cannot be read now; `document-load-failed` when it is too large;
 * `server-busy` when others need too much of the memory
 * @throws {RowQuarantined} when a row did not decode: `target` may hold a part of it, so it must be thrown away (R6.1)
 */
export async function load(
  database: Database,
  name: string,
  target: Y.Doc,
  memory = new Memory(),
): Promise<LoadedState> {
  const stored = await readable(findOrCreate(database, name))
  return loadStored(database, stored, target, new DocumentSize(target, memory))
}

/** As {@link load}, of a document that was found. */
export async function loadStored(
  database: Database,
  stored: StoredDocument,
  target: Y.Doc,
  size: DocumentSize,
): Promise<LoadedState> {
  if (stored.snapshot && stored.snapshot.revision > stored.head)
    throw await putAsideAstray(database, stored, stored.snapshot)
  try {
    return await fill(database, stored, target, 'together', size)
  } catch (error) {
    if (error instanceof TidemarkError) throw error
    const culprit = error instanceof DamagedRow ? error : await findCulprit(database, stored, size.memory)
    if (!culprit) throw error
    const { row, cause } = culprit
    await putAside(database, { documentId: stored.id, ...row, reason: reasonOf(cause) })
    throw new RowQuarantined(row, cause)
  }
}

/** Loads a document into one of its own; what does not decode is put aside. */
export async function loadApart(
  database: Database,
  name: string,
  memory: Memory,
  onQuarantined: (error: RowQuarantined) => void,
): Promise<{ state: Y.Doc; stored: LoadedState }> {
  for (;;) {
    const state = newDocument()
    try {
      return { state, stored: await load(database, name, state, memory) }
    } catch (error) {
      state.destroy()
      if (!(error instanceof RowQuarantined)) throw error
      onQuarantined(error)
    }
  }
}

function newDocument(): Y.Doc {
  const document = new Y.Doc()
  leaveFormatsToClients(document)
  return document
}

/** A row fails only in what Yjs does after it was applied: applies each by itself, to a document that is thrown away. */
async function findCulprit(database: Database, stored: StoredDocument, memory: Memory): Promise<DamagedRow | null> {
  const apart = newDocument()
  try {
    await fill(database, stored, apart, 'one-by-one', new DocumentSize(apart, memory))
  } catch (error) {
    if (error instanceof DamagedRow) return error
  } finally {
    apart.destroy()
  }
  // each row applies by itself: not the rows' fault
  return null
}

async function fill(
  database: Database,
  stored: StoredDocument,
  target: Y.Doc,
  grouping: Grouping,
  size: DocumentSize,
): Promise<LoadedState> {
  const tail = { rows: 0, bytes: 0 }
  const covered = stored.snapshot?.revision ?? 0
  const missing = new Set(stored.snapshot?.missing)
  let read = covered
  const application = new Application(target, grouping, size)
  try {
    for await (const rows of readableAll(rowsOf(database, stored))) {
      await application.apply(rows)
      for (const { source, revision, bytes } of rows) {
        if (source === 'snapshot') continue
        if (revision <= covered) {
          missing.delete(revision)
          continue
        }
        tail.rows += 1
        tail.bytes += bytes.byteLength
        noteBetween(missing, read, revision)
        read = revision
      }
    }
  } finally {
    application.end()
  }
  noteBetween(missing, read, stored.head + 1)
  size.grow((stored.snapshot?.size ?? 0) + tail.bytes)
  return { stored: { ...stored, head: Math.max(stored.head, read) }, tail, missing }
}

/** The newest snapshot, what it lacked and has been mended since, and the journal behind it. */
async function* rowsOf(database: Database, stored: StoredDocument): AsyncGenerator<StoredRow[], void> {
  const { id, head, snapshot } = stored
  if (snapshot) {
    const { revision, size, crc } = snapshot
    const bytes = snapshot.bytes ?? (await readInPieces(database, 'snapshot', id, revision, size))
    // another process has pruned it meanwhile, and stored a newer one: the next opening finds that
    if (!bytes) throw new TidemarkError('storage-unavailable', undefined, { cause: new Error('the snapshot has gone') })
    yield [{ source: 'snapshot', revision, bytes, crc }]
  }
  for (const revision of snapshot?.missing ?? []) {
    if (stored.quarantined.includes(revision)) continue
    const mended = await readUpdate(database, id, revision)
    if (mended) yield [mended]
  }
  const covered = snapshot?.revision ?? 0
  // whatever is committed after this look is found by the next commit of this process (R7.5)
  if (head > covered) yield* tailPages(database, id, covered)
}

export async function readable<Value>(reading: Promise<Value>): Promise<Value> {
  try {
    return await reading
  } catch (cause) {
    throw cause instanceof TidemarkError ? cause : new TidemarkError('storage-unavailable', undefined, { cause })
  }
}

async function* readableAll<Value>(reading: AsyncGenerator<Value, void>): AsyncGenerator<Value, void> {
  for (;;) {
    const next = await readable(reading.next())
    if (next.done) return
    yield next.value
  }
}

/** The database was set back behind a snapshot: once the journal has grown past it again, it would hide what is new (R7.14). */
async function putAsideAstray(
  database: Database,
  { id, head }: StoredDocument,
  { revision, size, ...snapshot }: StoredSnapshot,
): Promise<RowQuarantined> {
  const fault = `is of a later revision than the journal's newest, ${head}: the database was set back;`
  const bytes = snapshot.bytes ?? (await readable(readInPieces(database, 'snapshot', id, revision, size)))
  const row = { source: 'snapshot' as const, revision }
  await putAside(database, { documentId: id, ...row, bytes: bytes ?? new Uint8Array(), reason: fault })
  return new RowQuarantined(row, null, fault)
}

/** @throws {TidemarkError} `storage-unavailable` when the database does not take it now: the next opening tries again */
export async function putAside(database: Database, row: Parameters<typeof quarantine>[1]): Promise<void> {
  try {
    await quarantine(database, row)
  } catch (cause) {
    throw classify(cause) === 'data' ? cause : new TidemarkError('storage-unavailable', undefined, { cause })
  }
}

/** A parser's message quotes what it read, and no text of Postgres holds a zero. */
export function reasonOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replaceAll('\0', '\\0')
}
