import * as Y from 'yjs'
import type { Database } from '../database/database.ts'
import { loadOrigin, putAside, RowQuarantined, reasonOf } from './load.ts'
import type { OpenDocument } from './open-document.ts'
import { checkBytes, noteBetween, readTail, type StoredUpdate } from './stored-rows.ts'

/**
 * Reads what another process has written to the same document: its revisions lie between ours (R7.2). The updates go to
 * this process's clients like any other, and not into the journal, where they are already.
 */
export async function catchUp(
  database: Database,
  open: OpenDocument,
  onQuarantined: (error: RowQuarantined) => void,
): Promise<void> {
  const { document, line, snapshot, missing } = open
  while (line.covered < line.revision && !document.isDestroyed) {
    const target = line.revision
    const rows = await readTail(database, line.documentId, line.covered)
    for (const row of rows) {
      noteBetween(missing, line.covered, row.revision)
      try {
        applyRow(document, row)
      } catch (cause) {
        await putAside(database, { documentId: line.documentId, ...row, reason: reasonOf(cause) })
        missing.add(row.revision)
        onQuarantined(new RowQuarantined({ source: 'update', revision: row.revision }, cause))
      }
      if (document.isDestroyed) return
      snapshot.tail.rows += 1
      snapshot.tail.bytes += row.bytes.byteLength
      open.size.grow(row.bytes.byteLength)
      // moves with each row, so that none is met twice
      line.covered = Math.max(line.covered, row.revision)
    }
    noteBetween(missing, line.covered, target + 1)
    line.covered = Math.max(line.covered, target)
    line.foreign({ revision: line.covered, stamp: null })
    open.counted()
  }
}

/** Decodes the row before the document is touched: half a row in memory could not be taken out again. */
function applyRow(document: Y.Doc, row: StoredUpdate): void {
  checkBytes(row)
  Y.decodeUpdate(row.bytes)
  Y.applyUpdate(document, row.bytes, loadOrigin)
}
