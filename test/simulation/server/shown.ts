import * as Y from 'yjs'
import { load } from '../../../server/src/documents/load.ts'
import { differences, stateOf } from './held.ts'
import type { Node } from './node.ts'
import type { Storage } from './storage/storage.ts'

/** [R7.2] Every server that has a document open holds the revisions that it knows of, but for what it could not read. */
export function* lackedInMemory({ tables }: Storage, { sync }: Node, isAtRest = false): Generator<string> {
  for (const { document, line, missing: known } of sync.documents.all()) {
    if (!isAtRest && line.covered < line.revision) continue
    const stored = tables.documents.get(document.name)
    const rows = [...(stored?.updates ?? [])].filter(([revision]) => {
      return revision <= line.revision && !known.has(revision) && !stored?.quarantine.has(`update ${revision}`)
    })
    const expected = stateOf(rows.map(([, { committed }]) => committed))
    const missing = differences(expected, Y.encodeStateAsUpdate(document)).onlyOne
    if (missing.length > 0) yield `[R7.2] a server has ${document.name} open and lacks ${missing.slice(0, 5)}`
  }
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
