import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import type { Database } from '../database/database.ts'
import type { Repair } from '../journal/lanes.ts'
import { loadApart, loadOrigin, type RowQuarantined } from './load.ts'
import type { OpenDocument } from './open-document.ts'

/**
 * Brings a document and a database that was set back (a failover to a standby that lagged, a restored backup) to the same
 * state again: memory takes what it lacks, and what the database lacks is returned to be journaled (R7.14).
 * @throws {TidemarkError} `epoch-mismatch` when another history stands in the document's place
 */
export async function repairOf(
  database: Database,
  open: OpenDocument,
  onQuarantined: (error: RowQuarantined) => void,
): Promise<Repair> {
  const { document, line, snapshot, missing, size } = open
  const { state, stored } = await loadApart(database, document.name, size.memory, onQuarantined)
  try {
    if (stored.stored.id !== line.documentId || stored.stored.epoch !== line.epoch) {
      throw new TidemarkError('epoch-mismatch')
    }
    Y.applyUpdate(document, Y.encodeStateAsUpdate(state, Y.encodeStateVector(document)), loadOrigin)
    snapshot.size = stored.stored.snapshot?.size ?? 0
    Object.assign(snapshot.tail, stored.tail)
    missing.clear()
    for (const revision of stored.missing) missing.add(revision)
    const update = isSame(state, document) ? null : Y.encodeStateAsUpdate(document, Y.encodeStateVector(state))
    return { head: { revision: stored.stored.head, stamp: null }, update }
  } finally {
    state.destroy()
  }
}

function isSame(one: Y.Doc, other: Y.Doc): boolean {
  const { pendingStructs, pendingDs } = other.store
  return pendingStructs === null && pendingDs === null && Y.equalSnapshots(Y.snapshot(one), Y.snapshot(other))
}
