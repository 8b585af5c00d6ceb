import { crc32 } from 'node:zlib'
import type { Pace, Writer } from '../database/database.ts'
import type { JournalLine, Place } from './line.ts'

/** One update on its way into the journal. */
export interface Entry {
  line: JournalLine
  update: Uint8Array
  author: string | null
  /** Repeats what was durable already and is missing now; no position waits for it (R7.14). */
  isRepair?: true
}

/** The entries of one document in a batch, in the order they were appended. */
export interface Portion {
  readonly line: JournalLine
  entries: Entry[]
  /**
   * A failed try may have stored them all the same, behind this revision: looked up before the next try counts as a new one,
   * so that a commit whose answer was lost is not stored twice (R7.12).
   */
  triedFrom: number | null
}

/** How many entries from `begin` on make a batch. */
export function batchEnd(entries: readonly Entry[], begin: number, limit: { updates: number; bytes: number }): number {
  let bytes = 0
  let end = begin
  while (end < entries.length && end - begin < limit.updates && bytes < limit.bytes) {
    bytes += (entries[end] as Entry).update.byteLength
    end++
  }
  return end
}

export const bytesOf = (entries: readonly Entry[]): number =>
  entries.reduce((sum, { update }) => sum + update.byteLength, 0)

export const portionOf = (line: JournalLine, entries: Entry[]): Portion => ({
  line,
  entries,
  triedFrom: null,
})

/**
 * Documents in the order of their ids, so that the rows of one document lie together.
 */
export function portionsOf(batch: readonly Entry[]): Portion[] {
  const portions = new Map<JournalLine, Portion>()
  for (const entry of batch) {
    const portion = portions.get(entry.line)
    if (portion) portion.entries.push(entry)
    else portions.set(entry.line, portionOf(entry.line, [entry]))
  }
  return [...portions.values()].sort((one, other) => one.line.documentId - other.line.documentId)
}

// One statement, so one round trip and one transaction. All updates travel as one bytea and are cut apart by
// Postgres: an array of bytea would be sent as text, twice the size. Nothing is written of a document
// - whose row somebody holds: the others do not wait for it (R6.18), and nodes cannot deadlock;
// - whose row or epoch has gone (purged, reset), or whose head is not where this process left it: somebody else wrote, or
//   an earlier try of this very batch, or the database was set back (R7.14). Two tries at one head cannot both be stored.
//   After it was set back others may have brought the head to the same number again, so its time counts, too: that of the
//   document's row, which costs nothing to compare, or else that of the update itself (standing.ts asks that one). Whoever joins
//   others who write all the time goes behind whatever they wrote, if what this process knew is still there.
// It is missing from the answer then, and standing.ts finds out why.
const statement = {
  name: 'tidemark-journal-commit',
  text: `
    with portions as (
      select * from unnest($1::bigint[], $2::int[], $3::uuid[], $10::bigint[], $12::bigint[]) as p (id, count, epoch, head, stamp)
    ), free as materialized (
      select d.id from tidemark_store.documents d where d.id = any ($1::bigint[]) order by d.id for no key update skip locked
    ), heads as (
      update tidemark_store.documents d set head = d.head + p.count, updated_at = now()
      from portions p join free f on f.id = p.id
      where d.id = p.id and d.epoch = p.epoch
        and (d.head = p.head or ($13::boolean and d.head > p.head))
        and (p.head = 0 or p.stamp is null or (d.head = p.head and micros(d.updated_at) = p.stamp) or exists (
          select from tidemark_store.updates known
          where known.document_id = d.id and known.revision = p.head and micros(known.created_at) = p.stamp))
      returning d.id, d.head, d.head - p.count as base
    ), written as (
      insert into tidemark_store.updates (document_id, revision, bytes, author, crc)
      select u.id, h.base + u.ordinal, substring($9::bytea from u.start for u.length), u.author, u.crc
      from unnest($4::bigint[], $5::int[], $6::int[], $7::int[], $8::text[], $11::bigint[])
        as u (id, ordinal, start, length, author, crc)
      join heads h on h.id = u.id
    )
    select id, head, micros(now()) as stamp from heads`.replace(
    /micros\(((?:\w|\.)+(?:\(\))?)\)/g,
    '(extract(epoch from $1) * 1000000)::bigint',
  ),
}

/**
 * Commits the portions in one transaction; with none it asks whether anything could be committed now.
 * @returns each document's head afterwards; nothing was written of a document that is missing
 */
export async function commit(
  writer: Writer,
  portions: readonly Portion[],
  { joining = false, pace = 'brief' }: { joining?: boolean; pace?: Pace } = {},
): Promise<Map<number, Place>> {
  const ids: number[] = []
  const counts: number[] = []
  const epochs: string[] = []
  const heads: number[] = []
  const stamps: (number | string)[] = []
  const updateIds: number[] = []
  const ordinals: number[] = []
  const starts: number[] = []
  const lengths: number[] = []
  const authors: (string | null)[] = []
  const checksums: number[] = []
  let size = 0
  for (const { line, entries } of portions) {
    ids.push(line.documentId)
    counts.push(entries.length)
    epochs.push(line.epoch)
    heads.push(line.revision)
    stamps.push(line.stamp ?? 'null')
    for (const [index, { update, author }] of entries.entries()) {
      updateIds.push(line.documentId)
      ordinals.push(index + 1)
      starts.push(size + 1)
      lengths.push(update.byteLength)
      authors.push(author)
      checksums.push(crc32(update))
      size += update.byteLength
    }
  }
  const bytes = Buffer.allocUnsafe(size)
  let offset = 0
  for (const { entries } of portions) {
    for (const { update } of entries) {
      bytes.set(update, offset)
      offset += update.byteLength
    }
  }
  const values = [
    arrayOf(ids),
    arrayOf(counts),
    arrayOf(epochs),
    arrayOf(updateIds),
    arrayOf(ordinals),
    arrayOf(starts),
    arrayOf(lengths),
    arrayOf(authors.map(quoted)),
    bytes,
    arrayOf(heads),
    arrayOf(checksums),
    arrayOf(stamps),
    joining,
  ]
  const rows = await writer.run<{ id: number; head: number; stamp: number }>(statement, values, pace)
  return new Map(rows.map(({ id, head, stamp }) => [id, { revision: head, stamp }]))
}

// Written here and not by the driver, which looks at and escapes each element: these are numbers, uuids and quoted names.
const arrayOf = (elements: readonly (number | string)[]): string => `{${elements.join(',')}}`

/** An element of an array of text, in PostgreSQL's notation (manual, 8.15.6). */
function quoted(text: string | null): string {
  if (text === null) return 'null'
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}
