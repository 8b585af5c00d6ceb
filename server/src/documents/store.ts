import type { Database } from '../database/database.ts'

/** What is stored of a document, as needed to open it. */
export interface StoredDocument {
  id: number
  name: string
  epoch: string
  head: number
  /** The newest snapshot that is not quarantined; null when there is none. */
  snapshot: { revision: number; bytes: Uint8Array } | null
}

/** Updates behind a snapshot, in order. */
export interface StoredUpdate {
  revision: number
  bytes: Uint8Array
}

const find = {
  name: 'tidemark-document-find',
  text: `
    select d.id, d.epoch, d.head, s.revision, s.bytes
    from tidemark_store.documents d
    left join lateral (
      select revision, bytes from tidemark_store.snapshots s
      where s.document_id = d.id
        and not exists (select from tidemark_store.quarantine q where q.document_id = d.id and q.source = 'snapshot' and q.revision = s.revision)
      order by revision desc limit 1
    ) s on true
    where d.name = $1`,
}

const create = {
  name: 'tidemark-document-create',
  text: 'insert into tidemark_store.documents (name) values ($1) on conflict (name) do nothing returning id, epoch, head',
}

const epoch = { name: 'tidemark-document-epoch', text: 'select epoch from tidemark_store.documents where name = $1' }

// Thousands of small rows cost more to carry than to store: they come as one bytea, each with its revision and length.
const tail = {
  name: 'tidemark-document-tail',
  text: `
    select string_agg(int8send(revision) || int4send(length(bytes)) || bytes, ''::bytea order by revision) as page
    from (
      select u.revision, u.bytes from tidemark_store.updates u
      where u.document_id = $1 and u.revision > $2
        and not exists (select from tidemark_store.quarantine q where q.document_id = $1 and q.source = 'update' and q.revision = u.revision)
      order by u.revision limit $3
    ) rows`,
}

const tailPage = 20_000

/** Opens the row of a document, creating it when nobody has written to it yet. */
export async function findOrCreate(database: Database, name: string): Promise<StoredDocument> {
  for (;;) {
    const [row] = await database.run<{
      id: number
      epoch: string
      head: number
      revision: number | null
      bytes: Uint8Array | null
    }>(find, [name])
    if (row) {
      const snapshot = row.bytes === null ? null : { revision: row.revision ?? 0, bytes: row.bytes }
      return { id: row.id, name, epoch: row.epoch, head: row.head, snapshot }
    }
    const [created] = await database.run<{ id: number; epoch: string; head: number }>(create, [name])
    if (created) return { ...created, name, snapshot: null }
    // somebody else was quicker: the next look finds it
  }
}

/** @returns null for a document that is not stored */
export async function findEpoch(database: Database, name: string): Promise<string | null> {
  const [row] = await database.run<{ epoch: string }>(epoch, [name])
  return row?.epoch ?? null
}

/** All updates after `revision`, in order, without the quarantined ones. */
export async function readTail(database: Database, documentId: number, revision: number): Promise<StoredUpdate[]> {
  const updates: StoredUpdate[] = []
  for (let after = revision; ; ) {
    const [row] = await database.run<{ page: Uint8Array | null }>(tail, [documentId, after, tailPage])
    const page = row?.page ? readPage(row.page) : []
    updates.push(...page)
    if (page.length < tailPage) return updates
    after = (page.at(-1) as StoredUpdate).revision
  }
}

function readPage(page: Uint8Array): StoredUpdate[] {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength)
  const updates: StoredUpdate[] = []
  for (let offset = 0; offset < page.byteLength; ) {
    const start = offset + 12
    const end = start + view.getInt32(offset + 8)
    updates.push({ revision: Number(view.getBigInt64(offset)), bytes: page.subarray(start, end) })
    offset = end
  }
  return updates
}

const saveSnapshotStatement = {
  name: 'tidemark-snapshot-save',
  text: `
    with saved as (
      insert into tidemark_store.snapshots (document_id, revision, bytes)
      select id, $2, $3 from tidemark_store.documents where id = $1 and epoch = $4
      on conflict (document_id, revision) do nothing
    )
    delete from tidemark_store.snapshots where document_id = $1 and revision < (
      select max(s.revision) from tidemark_store.snapshots s
      where s.document_id = $1 and s.revision < $2
        and not exists (select from tidemark_store.quarantine q where q.document_id = $1 and q.source = 'snapshot' and q.revision = s.revision)
    )`,
}

/** Stores a snapshot; the good one before it is kept, in case this one should turn out not to decode. */
export async function saveSnapshot(
  database: Database,
  document: { id: number; epoch: string },
  revision: number,
  bytes: Uint8Array,
): Promise<void> {
  await database.run(saveSnapshotStatement, [document.id, revision, bytes, document.epoch])
}

const quarantineStatement = {
  name: 'tidemark-quarantine',
  text: `
    insert into tidemark_store.quarantine (document_id, revision, source, bytes, reason) values ($1, $2, $3, $4, $5)
    on conflict (document_id, source, revision) do nothing`,
}

export async function quarantine(
  database: Database,
  row: { documentId: number; revision: number; source: 'update' | 'snapshot'; bytes: Uint8Array; reason: string },
): Promise<void> {
  await database.run(quarantineStatement, [row.documentId, row.revision, row.source, row.bytes, row.reason])
}
