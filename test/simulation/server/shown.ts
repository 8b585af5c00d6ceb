import * as Y from 'yjs'
import { load } from '../../../server/src/documents/load.ts'
import type { JournalLine } from '../../../server/src/journal/line.ts'
import { differences, stateOf } from './held.ts'
import type { Node } from './node.ts'
import type { Storage } from './storage/storage.ts'
import type { StoredDocument, Tables } from './storage/tables.ts'

/** [R7.2] Every server that has a document open holds the revisions that it knows of, but for what it could not read. */
export function* lackedInMemory({ tables }: Storage, { sync }: Node, isAtRest = false): Generator<string> {
  for (const { document, line, missing: known } of sync.documents.all()) {
    const stored = tables.documents.get(document.name)
    if (!isAtRest && (line.covered < line.revision || isAnother(tables, stored, line))) continue
    const rows = [...(stored?.updates ?? [])].filter(([revision]) => {
      return revision <= line.revision && !known.has(revision) && !stored?.quarantine.has(`update ${revision}`)
    })
    const expected = stateOf(rows.map(([, { committed }]) => committed))
    const missing = differences(expected, Y.encodeStateAsUpdate(document)).onlyOne
    if (missing.length > 0) yield `[R7.2] a server has ${document.name} open and lacks ${missing.slice(0, 5)}`
  }
}

/** Whether others wrote after the database was set back, and the server has had no occasion to find out (R7.14). */
function isAnother(
  { wasRewound }: Tables,
  stored: StoredDocument | undefined,
  { revision, stamp }: JournalLine,
): boolean {
  return wasRewound && stored?.updates.get(revision)?.stamp !== stamp
}

/** [R7.2] A fresh load shows exactly the journal. */
export async function* differencesWhenLoaded({ tables, direct }: Storage, name: string): AsyncGenerator<string> {
  const loaded = new Y.Doc()
  await load(direct, name, loaded)
  const rows = [...(tables.documents.get(name)?.updates.values() ?? [])].map(({ committed }) => committed)
  const { onlyOne: missing, onlyOther: more } = differences(stateOf(rows), Y.encodeStateAsUpdate(loaded))
  if (missing.length > 0) yield `[R7.2] ${name}, loaded anew, lacks ${missing.slice(0, 5)}`
  if (more.length > 0) yield `[R7.2] ${name}, loaded anew, has ${more.slice(0, 5)}, which is not in the journal`
}
