import { crc32 } from 'node:zlib'
import type { Database } from '../database/database.ts'
import type { Place } from '../journal/line.ts'
import { pieceBytes, type StoredRow } from './stored-rows.ts'

/** What is stored of a document, as needed to open it. */
export interface StoredDocument {
  id: number
  name: string
  epoch: string
  head: number
  /** The newest snapshot that is not quarantined; null when there is none. */
  snapshot: StoredSnapshot | null
  /** Revisions of the updates that are in quarantine now. */
  quarantined: number[]
}

export interface StoredSnapshot {
  revision: number
  size: number
  crc: number | null
  /** Only of a small one; a larger one is read in pieces. */
  bytes: Uint8Array | null
  /** Revisions up to its own whose updates it does not hold, because they were in quarantine (R7.9). */
  missing: number[]
}

const findStatement = {
  name: 'tidemark-document-find',
  text: `
    select d.id, d.epoch, d.head, s.revision, s.size, s.crc, s.bytes, s.missing,
      (
        select string_agg(q.revision::text, ',') from tidemark_store.quarantine q
        where q.document_id = d.id and q.source = 'update'
      ) as quarantined
    from tidemark_store.documents d
    left join lateral (
      select s.revision, octet_length(s.bytes) as size, s.crc, array_to_string(s.missing, ',') as missing,
        case when octet_length(s.bytes) <= $2::int then s.bytes end as bytes
      from tidemark_store.snapshots s
      where s.document_id = d.id
        and not exists (select from tidemark_store.quarantine q where q.document_id = d.id and q.source = 'snapshot' and q.revision = s.revision)
      order by s.revision desc limit 1
    ) s on true
    where d.name = $1`,
}

/** A list of revisions as the statement above writes it. */
const revisionsOf = (list: string | null): number[] => (list ? list.split(',').map(Number) : [])

const create = {
  name: 'tidemark-document-create',
  text: 'insert into tidemark_store.documents (name) values ($1) on conflict (name) do nothing returning id, epoch, head',
}

const epoch = { name: 'tidemark-document-epoch', text: 'select epoch from tidemark_store.documents where name = $1' }

interface FoundRow {
  id: number
  epoch: string
  head: number
  revision: number | null
  size: number | null
  crc: number | null
  bytes: Uint8Array | null
  missing: string | null
  quarantined: string | null
}

function documentOf(name: string, { id, epoch, head, quarantined, ...row }: FoundRow): StoredDocument {
  const snapshot =
    row.revision === null || row.size === null
      ? null
      : { revision: row.revision, size: row.size, crc: row.crc, bytes: row.bytes, missing: revisionsOf(row.missing) }
  return { id, name, epoch, head, snapshot, quarantined: revisionsOf(quarantined) }
}

/** @returns null when nothing is stored under this name */
export async function find(database: Database, name: string): Promise<StoredDocument | null> {
  const [row] = await database.run<FoundRow>(findStatement, [name, pieceBytes])
  return row ? documentOf(name, row) : null
}

/** Opens the row of a document, creating it when nobody has written to it yet. */
export async function findOrCreate(database: Database, name: string): Promise<StoredDocument> {
  for (;;) {
    const found = await find(database, name)
    if (found) return found
    const [created] = await database.run<{ id: number; epoch: string; head: number }>(create, [name])
    if (created) return { ...created, name, snapshot: null, quarantined: [] }
    // somebody else was quicker: the next look finds it
  }
}

/** @returns null for a document that is not stored */
export async function findEpoch(database: Database, name: string): Promise<string | null> {
  const [row] = await database.run<{ epoch: string }>(epoch, [name])
  return row?.epoch ?? null
}

// A snapshot says that it holds the journal up to its revision: only where that revision is the one that was committed.
const saveSnapshotStatement = {
  name: 'tidemark-snapshot-save',
  text: `
    with document as (
      select d.id from tidemark_store.documents d
      left join tidemark_store.updates u on u.document_id = d.id and u.revision = $2
      where d.id = $1 and d.epoch = $4 and d.head >= $2
        and ($5::bigint is null or (extract(epoch from u.created_at) * 1000000)::bigint = $5)
    ), saved as (
      insert into tidemark_store.snapshots (document_id, revision, bytes, crc, missing)
      select id, $2, $3, $6, $7::bigint[] from document
      on conflict (document_id, revision) do nothing
    ), pruned as (
      delete from tidemark_store.snapshots where document_id = (select id from document) and revision < (
        select max(s.revision) from tidemark_store.snapshots s
        where s.document_id = $1 and s.revision < $2
          and not exists (select from tidemark_store.quarantine q where q.document_id = $1 and q.source = 'snapshot' and q.revision = s.revision)
      )
    )
    select id from document`,
}

/**
 * Stores a snapshot; the good one before it is kept, in case this one should turn out not to decode.
 * @param place the revision up to which it holds the journal, and when that was committed, where that is known
 * @param missing revisions up to its own whose updates are not in it
 * @returns whether the journal still holds that revision; if not, nothing was stored (R7.14)
 */
export async function saveSnapshot(
  database: Database,
  document: { id: number; epoch: string },
  { revision, stamp }: Place,
  bytes: Uint8Array,
  missing: Iterable<number> = [],
): Promise<boolean> {
  const known = revision === 0 ? null : stamp
  const values = [document.id, revision, bytes, document.epoch, known, crc32(bytes), `{${[...missing].join(',')}}`]
  return (await database.run(saveSnapshotStatement, values)).length > 0
}

const quarantineStatement = {
  name: 'tidemark-quarantine',
  text: `
    insert into tidemark_store.quarantine (document_id, revision, source, bytes, reason) values ($1, $2, $3, $4, $5)
    on conflict (document_id, source, revision) do nothing`,
}

export async function quarantine(
  database: Database,
  row: Omit<StoredRow, 'crc'> & { documentId: number; reason: string },
): Promise<void> {
  await database.run(quarantineStatement, [row.documentId, row.revision, row.source, row.bytes, row.reason])
}
