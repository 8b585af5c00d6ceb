import * as Y from 'yjs'
import { query } from './postgres.ts'

const schema = 'tidemark_store'

/**
 * What a document's journal holds of `edits`, read from the rows of the tables themselves, past every server: also what
 * waits there for predecessors that their writer has still to send (R1.4).
 * @throws when revisions have gaps
 */
export async function journaledEdits(databaseUrl: string, document: string): Promise<Set<string>> {
  const rows = await query<{ head: string; revision: string | null; bytes: Uint8Array | null }>(
    databaseUrl,
    `select d.head, u.revision, u.bytes from ${schema}.documents d left join ${schema}.updates u on u.document_id = d.id
     where d.name = $1 order by u.revision`,
    [document],
  )
  const revisions = rows.flatMap(({ revision }) => (revision === null ? [] : [Number(revision)]))
  const isGapless = revisions.every((revision, index) => revision === index + 1)
  const head = Number(rows[0]?.head ?? 0)
  if (!isGapless || head !== revisions.length) {
    throw new Error(
      `${document} has a head of ${head}, and revisions ${revisions.slice(0, 5)} … ${revisions.slice(-5)}`,
    )
  }
  const edits = new Set<string>()
  for (const { bytes } of rows) {
    for (const struct of bytes ? Y.decodeUpdate(bytes).structs : []) {
      if (!(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentAny)) continue
      for (const edit of struct.content.arr) edits.add(String(edit))
    }
  }
  return edits
}
