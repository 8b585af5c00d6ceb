import { type ErrorCode, TidemarkError } from '@tidemark/shared'
import type { Vector } from '../status/positions.ts'
import type { Report } from '../status/status.ts'
import type { History, SetAside } from '../store/local-store.ts'
import type { Fitness } from './fitness.ts'

/**
 * The version of what tabs say to each other. It is part of the names of their channel and locks, so that tabs of two
 * versions (an old one stays open during a deploy) do not meet: each version has a leader of its own (D1.7).
 */
export const tabProtocol = 2

/** What tabs have in common that share a leader. */
export interface Meeting {
  /** The server's URL: another one has other documents, whatever their names (D1.10). */
  readonly server: string
  /** On whose behalf they edit; null while no token has said so (D3.6). */
  readonly account: string | null
  /** The copy on this device that they have open. */
  readonly copy: string
}

/** The name of the channel of such tabs, and what those of their locks begin with. */
export function meetingName({ server, account, copy }: Meeting): string {
  return `tidemark/${tabProtocol}:${encodeURIComponent(server)}:${encodeURIComponent(account ?? '')}:${copy}`
}

/**
 * The name of the channel on which it is said what was done to a copy of which no tab has heard. It has no account:
 * whoever did it may have been closed before anybody knew on whose behalf, and it concerns the tabs of all.
 */
export function lateName({ server, copy }: Omit<Meeting, 'account'>): string {
  return `tidemark/${tabProtocol}:late:${encodeURIComponent(server)}:${copy}`
}

/** Errors travel as what they are made of: an object of a class does not survive the channel. */
export interface WireError {
  readonly code: ErrorCode
  readonly message: string
}

export type WireReport = Omit<Report, 'connectionError' | 'obstacle' | 'failing'> & {
  readonly connectionError: WireError | null
  readonly obstacle: WireError | null
  readonly failing: (Omit<NonNullable<Report['failing']>, 'error'> & { readonly error: WireError }) | null
}

/** What the tabs of one document say to each other; `from` is the opening that says it. Maps and bytes are cloned. */
export type TabMessage = {
  readonly from: string
} /** Everything of this opening up to `storedTo` is in the local store. */ & (
  | { readonly type: 'edit'; readonly position: number; readonly update: Uint8Array; readonly storedTo: number }
  /** The leader: what the server sent, numbered within its term. */
  | { readonly type: 'remote'; readonly number: number; readonly update: Uint8Array }
  /** The leader: everything it passed on up to this number is in the local store (D1.3). */
  | { readonly type: 'kept'; readonly number: number }
  /** The leader: how the document stands, and which history it belongs to. */
  | {
      readonly type: 'report'
      readonly report: WireReport
      readonly history: History | null
      readonly fitness: Fitness
    }
  /** Who is new, has missed something, or has begun to lead: says what it has, and asks for the rest. */
  | ({
      readonly type: 'sync'
      /** Null: whoever leads, and everybody when the asker leads. */
      readonly to: string | null
      readonly isLeader: boolean
      readonly fitness: Fitness
    } & Holding)
  /** The answer. With a `stateVector` it asks back. To everybody (null): what the leader has just learnt is pending. */
  | (Omit<Holding, 'stateVector'> & {
      readonly type: 'diff'
      readonly to: string | null
      readonly update: Uint8Array
      readonly stateVector: Uint8Array | null
    })
  | { readonly type: 'presence'; readonly update: Uint8Array }
  /** The leader has begun a session: whoever was known to others in the last one says again that it is here. */
  | { readonly type: 'show-presence' }
  /** A tab that can lead better would rather do so. */
  | { readonly type: 'claim'; readonly fitness: Fitness }
  | { readonly type: 'yield'; readonly to: string }
  | { readonly type: 'ping' }
  | { readonly type: 'beat'; readonly fitness: Fitness }
  | { readonly type: 'ask'; readonly what: 'flush' | 'retry' }
  | { readonly type: 'failed'; readonly error: WireError }
  | { readonly type: 'set-aside'; readonly reason: SetAside['reason'] }
  | { readonly type: 'bye'; readonly storedTo: number }
)

/** What an opening has. */
export interface Holding {
  readonly stateVector: Uint8Array
  readonly made: Vector
  readonly acknowledged: Vector
  /** Everything of this opening up to here is in the local store. */
  readonly storedTo: number
  /** Awareness states it knows of tabs of this device (all that it knows, when it leads). */
  readonly presence: Uint8Array | null
  /** The Yjs client of this opening. */
  readonly client: number
  /** The newest number of a `remote` of the one that leads; null from a tab that does not. */
  readonly remote: number | null
}

/** Only our own code of the same version posts here, so a look at the envelope is enough. */
export function readTabMessage(data: unknown): TabMessage | null {
  const message = data as Partial<TabMessage> | null
  return typeof message === 'object' && typeof message?.type === 'string' && typeof message.from === 'string'
    ? (message as TabMessage)
    : null
}

export function wireError(error: TidemarkError): WireError {
  return { code: error.code, message: error.message }
}

export function readError({ code, message }: WireError): TidemarkError {
  return new TidemarkError(code, message)
}

export function wireReport(report: Report): WireReport {
  return {
    ...report,
    connectionError: report.connectionError && wireError(report.connectionError),
    obstacle: report.obstacle && wireError(report.obstacle),
    failing: report.failing && { ...report.failing, error: wireError(report.failing.error) },
  }
}

export function readReport(report: WireReport): Report {
  return {
    ...report,
    connectionError: report.connectionError && readError(report.connectionError),
    obstacle: report.obstacle && readError(report.obstacle),
    failing: report.failing && { ...report.failing, error: readError(report.failing.error) },
  }
}
