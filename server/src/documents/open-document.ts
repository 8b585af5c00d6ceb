import type { Document } from '@hocuspocus/server'
import type { JournalLine } from '../journal/line.ts'
import type { Owners } from './owners.ts'
import type { DocumentSize } from './size.ts'

/** A document in this process's memory, with its place in the journal. */
export interface OpenDocument {
  readonly document: Document
  readonly line: JournalLine
  readonly snapshot: SnapshotAccount
  /** Revisions whose updates it does not hold, because they were in quarantine when it was to read them (R7.9). */
  readonly missing: Set<number>
  readonly size: DocumentSize
  readonly owners: Owners
  /** Why it takes no more edits: it is about to leave memory, and nothing that comes to it is stored. */
  fault: Error | null
  /** While updates are applied in turns: until the last of them is whole. What is in memory then is not to be stored or told of. */
  applying: Promise<unknown> | null
  /** One more update has been counted in `snapshot`: looks whether the next one is due. */
  counted(): void
}

/** What the next snapshot would cost and save. */
export interface SnapshotAccount {
  /** Size of the newest snapshot in bytes; 0 when there is none. */
  size: number
  /** Journal behind the newest snapshot. */
  tail: { rows: number; bytes: number }
}

/** What reading a row costs beside its bytes, in bytes of a snapshot: so that a tail of many small rows ends, too. */
const rowOverhead = 64
/** Smaller tails are not worth a snapshot. */
const smallestTail = 16 * 1024

/**
 * Whether the journal behind the last snapshot has paid for a new one (R8.1): so the bytes stored for an edit stay
 * below a constant however large the document is, and a cold start reads at most about twice the document.
 */
export function isSnapshotDue({ size, tail }: SnapshotAccount): boolean {
  return tail.bytes + tail.rows * rowOverhead >= Math.max(smallestTail, size)
}
