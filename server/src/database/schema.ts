import type { Generated } from 'kysely'

/** One row for each document; its row lock is what makes revisions gapless (R7.1). */
export interface DocumentsTable {
  id: Generated<number>
  name: string
  /** uuid of the history; a new one means that clients of the old one are set aside (R9). */
  epoch: Generated<string>
  /** The newest revision in `updates`; 0 for a document that nobody wrote to yet. */
  head: Generated<number>
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

/** The journal: every update, in order. Rows at or before the newest snapshot's revision are history. */
export interface UpdatesTable {
  document_id: number
  revision: number
  bytes: Uint8Array
  /** The writer's `sub` claim; null for edits made by the server itself. */
  author: string | null
  /** CRC-32 of `bytes`; null for rows that an earlier version stored. */
  crc: Generated<number | null>
  created_at: Generated<Date>
}

/** The whole document as one update, holding at least everything up to `revision`. */
export interface SnapshotsTable {
  document_id: number
  revision: number
  bytes: Uint8Array
  /** CRC-32 of `bytes`; null for rows that an earlier version stored. */
  crc: Generated<number | null>
  /** Revisions up to its own whose updates it does not hold, because they were in quarantine (R7.9). */
  missing: Generated<number[]>
  created_at: Generated<Date>
}

/** Copies of stored rows that did not decode; the loader skips the originals (R6.1). */
export interface QuarantineTable {
  id: Generated<number>
  document_id: number
  revision: number
  source: 'update' | 'snapshot'
  bytes: Uint8Array
  reason: string
  created_at: Generated<Date>
}

export interface Schema {
  documents: DocumentsTable
  updates: UpdatesTable
  snapshots: SnapshotsTable
  quarantine: QuarantineTable
}
