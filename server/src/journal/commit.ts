import type { Runner } from '../database/database.ts'
import type { JournalLine } from './line.ts'

/** One update on its way into the journal. */
export interface Entry {
  line: JournalLine
  update: Uint8Array
  author: string | null
}

/** The entries of one document in a batch, in the order they were appended. */
export interface Portion {
  line: JournalLine
  entries: Entry[]
}

/**
 * Documents in the order of their ids, so that two nodes mostly take row locks in the same order. Where the planner
 * takes them in another and they deadlock, one of them tries again.
 */
export function portionsOf(batch: readonly Entry[]): Portion[] {
  const portions = new Map<JournalLine, Portion>()
  for (const entry of batch) {
    const portion = portions.get(entry.line)
    if (portion) portion.entries.push(entry)
    else portions.set(entry.line, { line: entry.line, entries: [entry] })
  }
  return [...portions.values()].sort((one, other) => one.line.documentId - other.line.documentId)
}

// One statement, so one round trip and one transaction. All updates travel as one bytea and are cut apart by
// Postgres: an array of bytea would be sent as text, twice the size. A document whose row or epoch has gone
// (purged, reset) is missing from `heads`, so nothing of it is written and it is missing from the answer.
const statement = {
  name: 'tidemark-journal-commit',
  text: `
    with portions as (
      select * from unnest($1::bigint[], $2::int[], $3::uuid[]) as p (id, count, epoch)
    ), heads as (
      update tidemark_store.documents d set head = d.head + p.count, updated_at = now()
      from portions p
      where d.id = p.id and d.epoch = p.epoch
      returning d.id, d.head, d.head - p.count as base
    ), written as (
      insert into tidemark_store.updates (document_id, revision, bytes, author)
      select u.id, h.base + u.ordinal, substring($9::bytea from u.start for u.length), u.author
      from unnest($4::bigint[], $5::int[], $6::int[], $7::int[], $8::text[]) as u (id, ordinal, start, length, author)
      join heads h on h.id = u.id
    )
    select id, head from heads`,
}

/**
 * Commits the portions in one transaction.
 * @returns each document's head revision afterwards; a document that is missing has another epoch, or is gone
 */
export async function commit(writer: Runner, portions: readonly Portion[]): Promise<Map<number, number>> {
  const ids: number[] = []
  const counts: number[] = []
  const epochs: string[] = []
  const updateIds: number[] = []
  const ordinals: number[] = []
  const starts: number[] = []
  const lengths: number[] = []
  const authors: (string | null)[] = []
  let size = 0
  for (const { line, entries } of portions) {
    ids.push(line.documentId)
    counts.push(entries.length)
    epochs.push(line.epoch)
    for (const [index, { update, author }] of entries.entries()) {
      updateIds.push(line.documentId)
      ordinals.push(index + 1)
      starts.push(size + 1)
      lengths.push(update.byteLength)
      authors.push(author)
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
  const rows = await writer.run<{ id: number; head: number }>(statement, [
    arrayOf(ids),
    arrayOf(counts),
    arrayOf(epochs),
    arrayOf(updateIds),
    arrayOf(ordinals),
    arrayOf(starts),
    arrayOf(lengths),
    arrayOf(authors.map(quoted)),
    bytes,
  ])
  return new Map(rows.map(({ id, head }) => [id, head]))
}

// Written here and not by the driver, which looks at and escapes each element: these are numbers, uuids and quoted names.
const arrayOf = (elements: readonly (number | string)[]): string => `{${elements.join(',')}}`

/** An element of an array of text, in PostgreSQL's notation (manual, 8.15.6). */
function quoted(text: string | null): string {
  if (text === null) return 'null'
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}
