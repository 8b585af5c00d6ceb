import { crc32 } from 'node:zlib'
import type { Database } from '../database/database.ts'

/** A stored row of a document: an update of its journal, or a snapshot. */
export interface StoredRow {
  source: 'update' | 'snapshot'
  revision: number
  bytes: Uint8Array
  /** CRC-32 of the bytes as they were stored; null where none was stored. */
  crc: number | null
}

export interface StoredUpdate extends StoredRow {
  source: 'update'
}

/** Damage that decodes all the same is found by this. @throws when the bytes are not those that were stored */
export function checkBytes({ bytes, crc }: StoredRow): void {
  if (crc !== null && crc32(bytes) !== crc) throw new Error('the checksum is wrong')
}

/**
 * The largest answer that is asked for at once: bytea comes from Postgres as text of twice the size, in one message. Larger
 * rows are read in pieces of this size, so that none meets the limit of a JavaScript string (512 MiB), and reading one does
 * not hold up everybody else.
 */
export const pieceBytes = 2 * 1024 * 1024
const pageRows = 4_000

// Thousands of small rows cost more to carry than to store: they come as one bytea, each with its revision, length and
// checksum. A row that is larger than a page comes without its bytes.
const page = {
  name: 'tidemark-document-page',
  text: `
    with candidates as (
      select u.revision, octet_length(u.bytes) as size, coalesce(u.crc, -1) as crc,
        sum(case when octet_length(u.bytes) <= $3::int then octet_length(u.bytes) else 0 end) over (order by u.revision) as through
      from tidemark_store.updates u
      where u.document_id = $1 and u.revision > $2
        and not exists (select from tidemark_store.quarantine q where q.document_id = $1 and q.source = 'update' and q.revision = u.revision)
      order by u.revision limit $4
    )
    select
      string_agg(
        int8send(c.revision) || int4send(c.size) || int8send(c.crc) || case when c.size <= $3::int then u.bytes else ''::bytea end,
        ''::bytea order by c.revision
      ) as page,
      count(*) as taken,
      (select count(*) from candidates) as seen
    from candidates c
    join tidemark_store.updates u on u.document_id = $1 and u.revision = c.revision
    where c.through <= $3::int`,
}
const headerBytes = 20

/** All updates after `revision`, in order, without the quarantined ones; as many at once as are read at once. */
export async function* tailPages(
  database: Database,
  documentId: number,
  revision: number,
): AsyncGenerator<StoredUpdate[], void> {
  for (let after = revision; ; ) {
    const [row] = await database.run<{ page: Uint8Array | null; taken: number; seen: number }>(page, [
      documentId,
      after,
      pieceBytes,
      pageRows,
    ])
    if (!row?.page) return
    const updates: StoredUpdate[] = []
    for (const { size, ...update } of readPage(row.page)) {
      const bytes =
        size <= pieceBytes ? update.bytes : await readInPieces(database, 'update', documentId, update.revision, size)
      if (bytes) updates.push({ ...update, bytes })
    }
    yield updates
    after = readPage(row.page).at(-1)?.revision ?? after
    if (row.taken === row.seen && row.seen < pageRows) return
  }
}

export async function readTail(database: Database, documentId: number, revision: number): Promise<StoredUpdate[]> {
  const updates: StoredUpdate[] = []
  for await (const some of tailPages(database, documentId, revision)) updates.push(...some)
  return updates
}

/**
 * Revisions have no gaps (R7.1): those between two that were read one after the other are in quarantine, and are noted as
 * missing. To ask for the quarantine by itself would not do: another process may write to it between the two questions.
 */
export function noteBetween(missing: Set<number>, after: number, before: number): void {
  for (let revision = after + 1; revision < before; revision++) missing.add(revision)
}

function readPage(bytes: Uint8Array): (StoredUpdate & { size: number })[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const updates: (StoredUpdate & { size: number })[] = []
  for (let offset = 0; offset < bytes.byteLength; ) {
    const size = view.getInt32(offset + 8)
    const crc = Number(view.getBigInt64(offset + 12))
    const start = offset + headerBytes
    const end = start + (size <= pieceBytes ? size : 0)
    updates.push({
      source: 'update',
      revision: Number(view.getBigInt64(offset)),
      bytes: bytes.subarray(start, end),
      crc: crc < 0 ? null : crc,
      size,
    })
    offset = end
  }
  return updates
}

const pieceOf = (table: 'updates' | 'snapshots') => ({
  name: `tidemark-piece-of-${table}`,
  text: `
    select substring(bytes from $3::int for $4::int) as piece, octet_length(bytes) as size, crc
    from tidemark_store.${table} where document_id = $1 and revision = $2`,
})
const pieces = { update: pieceOf('updates'), snapshot: pieceOf('snapshots') }

interface Piece {
  piece: Uint8Array
  size: number
  crc: number | null
}

/** @returns null when the row has gone, or become another, since its size was read */
export async function readInPieces(
  database: Database,
  source: 'update' | 'snapshot',
  documentId: number,
  revision: number,
  size: number,
): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; ) {
    const [row] = await database.run<Piece>(pieces[source], [documentId, revision, at + 1, pieceBytes])
    if (row?.size !== size) return null
    bytes.set(row.piece, at)
    at += row.piece.byteLength
  }
  return bytes
}

/** One update that may have been left out before. @returns null when it is not there */
export async function readUpdate(
  database: Database,
  documentId: number,
  revision: number,
): Promise<StoredUpdate | null> {
  const [first] = await database.run<Piece>(pieces.update, [documentId, revision, 1, 0])
  if (!first) return null
  const bytes = await readInPieces(database, 'update', documentId, revision, first.size)
  return bytes && { source: 'update', revision, bytes, crc: first.crc }
}
