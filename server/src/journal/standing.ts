import type { Runner } from '../database/database.ts'
import type { Entry, Portion } from './commit.ts'
import type { JournalLine, Place } from './line.ts'

/** How the database stands to what this process takes to be the head of a document. */
export type Standing =
  /** As it was left; a commit wrote nothing because somebody holds the row. */
  | { kind: 'same'; head: Place }
  /** Another process has written more, or an earlier try of this one. */
  | { kind: 'ahead'; head: Place }
  /** What this process saw committed is not there: the database was set back, or another history stands there (R7.14). */
  | { kind: 'rewound' }
  /** Purged, or begun anew under another epoch. */
  | { kind: 'gone' }

const standingStatement = {
  name: 'tidemark-journal-standing',
  text: `
    select d.id, d.head, micros(known.created_at) as known, micros(newest.created_at) as newest
    from unnest($1::bigint[], $2::uuid[], $3::bigint[]) as p (id, epoch, head)
    join tidemark_store.documents d on d.id = p.id and d.epoch = p.epoch
    left join tidemark_store.updates known on known.document_id = d.id and known.revision = p.head
    left join tidemark_store.updates newest on newest.document_id = d.id and newest.revision = d.head`.replace(
    /micros\((\S+)\)/g,
    '(extract(epoch from $1) * 1000000)::bigint',
  ),
}

/** Asks the database for the documents' heads, all in one look. */
export async function standingsOf(writer: Runner, lines: readonly JournalLine[]): Promise<Map<JournalLine, Standing>> {
  // what they were when the question was put: a commit may end while the answer is on its way
  const asked = lines.map((line) => ({ line, revision: line.revision, stamp: line.stamp }))
  const rows = await writer.run<{ id: number; head: number; known: number | null; newest: number | null }>(
    standingStatement,
    [
      `{${lines.map(({ documentId }) => documentId).join(',')}}`,
      `{${lines.map(({ epoch }) => epoch).join(',')}}`,
      `{${lines.map(({ revision }) => revision).join(',')}}`,
    ],
  )
  const found = new Map(rows.map((row) => [row.id, row]))
  return new Map(
    asked.map(({ line, revision, stamp }): [JournalLine, Standing] => {
      const row = found.get(line.documentId)
      if (!row) return [line, { kind: 'gone' }]
      const isOurs = row.head >= revision && (revision === 0 || stamp === null || row.known === stamp)
      if (!isOurs) return [line, { kind: 'rewound' }]
      const head = { revision: row.head, stamp: row.newest }
      return [line, { kind: row.head === revision ? 'same' : 'ahead', head }]
    }),
  )
}

const rowsStatement = {
  name: 'tidemark-journal-rows',
  text: `
    select revision, bytes, (extract(epoch from created_at) * 1000000)::bigint as stamp
    from tidemark_store.updates where document_id = $1 and revision > $2 order by revision limit $3`,
}

/** How far behind the head it knew a process looks for its own rows; further, they are written twice, which does no harm. */
const lookAhead = 256

/** How many of the portion's first entries are stored already, by a try whose answer was lost, and where the last of them is. */
export async function findStored(
  writer: Runner,
  { line, entries, triedFrom }: Portion,
): Promise<{ count: number; head: Place } | null> {
  if (triedFrom === null) return null
  const rows = await writer.run<{ revision: number; bytes: Uint8Array; stamp: number }>(rowsStatement, [
    line.documentId,
    triedFrom,
    entries.length + lookAhead,
  ])
  const first = rows.findIndex(({ bytes }) => isUpdate(entries[0], bytes))
  if (first < 0) return null
  let count = 1
  while (isUpdate(entries[count], rows[first + count]?.bytes)) count++
  const { revision, stamp } = rows[first + count - 1] as { revision: number; stamp: number }
  return { count, head: { revision, stamp } }
}

function isUpdate(entry: Entry | undefined, bytes: Uint8Array | undefined): boolean {
  return entry !== undefined && bytes !== undefined && Buffer.compare(entry.update, bytes) === 0
}
