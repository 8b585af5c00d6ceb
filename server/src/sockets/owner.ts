import type { ErrorCode } from '@tidemark/shared'
import type { Documents } from '../documents/documents.ts'
import type { StructureLimits } from '../documents/structure.ts'
import type { Consumer } from '../fairness/consumer.ts'
import type { Presences } from '../presence/presences.ts'
import type { Claims } from './claims.ts'
import type { Gate } from './gate.ts'
import type { Reading } from './reading.ts'
import type { Removal } from './room.ts'
import type { RosterLimits } from './roster.ts'
import type { Session } from './session.ts'
import type { Transport } from './transport.ts'

export interface GateLimits extends StructureLimits, RosterLimits {
  messageBytes: number
  documentBytes: number
  waitingBytes: number
}

/** What a gate tells the server that owns it. */
export interface GateEvents {
  /** Yjs broke a document in memory while it applied an edit: it must leave, with no acknowledgement. */
  broken(documentName: string, claims: Claims | null): void
  /** An edit that may be tried again later was refused; `until` is Unix time in ms. */
  held(gate: Gate, session: Session, refusal: { code: ErrorCode; until: number }): void
  /** Something was removed from a document that had no room for somebody's edit. */
  removed(removal: Removal): void
  refused(
    gate: Gate,
    failure: { code: ErrorCode; documentName: string | null; userId: string | null; cause?: unknown },
  ): void
}

export interface GateParts {
  transport: Transport
  reading: Reading
  /** What the socket takes of the server. */
  consumer: Consumer
  documents: Documents
  presences: Presences
  limits: GateLimits
  events: GateEvents
  /** Unix time in ms. */
  now(): number
}
