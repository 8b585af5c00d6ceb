import type { Connection } from '@hocuspocus/server'
import type { ErrorCode, TidemarkError } from '@tidemark/shared'
import type { Access } from '../auth/access.ts'
import type { Share } from '../fairness/share.ts'
import type { Claims } from './claims.ts'
import { encodeAddress } from './frames.ts'
import { Refusals } from './refusals.ts'

/** A sync message that writes, which Hocuspocus is working on, and which has not been answered. */
export interface PassedWrite {
  readonly kind: 'passed'
  readonly update: Uint8Array
  /** Null until it is judged. */
  claims: Claims | null
  /** Why it is refused, when that was found out before Hocuspocus answered it; null when it was taken. */
  fault?: ErrorCode | null
}

/** A sync message that writes and has not been answered. */
export type Write = PassedWrite | { readonly kind: 'refused'; readonly code: ErrorCode }

/** One document on one socket, from its first frame to its close. */
export class Session {
  readonly address: string
  /** The address as it begins each frame. */
  readonly prefix: Uint8Array
  readonly documentName: string
  readonly openedAt: number
  /** The token field of its authentication message, until that has been decided. */
  tokenField: string | null = null
  /** Whether its client speaks Tidemark's additions (told by the envelope around its token). */
  isTidemark = false
  access: Access | null = null
  /** Why it may neither read nor write any more, though it has not been closed yet. */
  over: TidemarkError | null = null
  /** What it sent before its document was open, unread; null from then on. */
  early: { readonly frames: Uint8Array[]; bytes: number } | null = { frames: [], bytes: 0 }
  connection: Connection | null = null
  /** Unanswered writes in order: the n-th SyncStatus answers the n-th of them (R1.2). */
  readonly writes: Write[] = []
  /** Whether it has written anything: the first is its answer to what the server lacks. */
  hasAnswered = false
  /** Its last answer, while that waits for an update that is being applied. */
  delayed: Promise<void> | null = null
  /** How many of them are judged only when it is their turn. */
  lateWrites = 0
  /** The frame in which it asked last for what it lacks. */
  lastQuestion: Uint8Array | null = null
  readonly refusals = new Refusals()
  /** Whether it was told that it says too much of who is here. */
  isPresenceRefused = false
  /** What its edits that wait for the database cost, in bytes. */
  unsaved = 0
  /** What its user takes of the server; null where nobody knows who that is. */
  share: Share | null = null
  cancelExpiry: (() => void) | null = null
  cancelRetry: (() => void) | null = null

  constructor(address: string, documentName: string, openedAt: number) {
    this.address = address
    this.prefix = encodeAddress(address)
    this.documentName = documentName
    this.openedAt = openedAt
  }
}
