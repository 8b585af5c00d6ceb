import type { Clock, ServerMessage, TidemarkError } from '@tidemark/shared'
import type { ConnectionStatus } from '../status/status.ts'
import type { CredentialsMeans } from './credentials.ts'
import type { RetrySchedule } from './retry.ts'
import type { Socket } from './socket.ts'

export type Hello = Extract<ServerMessage, { tidemark: 'hello' }>

/** What a document hears of its link. */
export interface LinkEvents {
  connectionChanged(status: ConnectionStatus): void
  connectionFailed(error: TidemarkError): void
  sessionBegan(): void
  sessionEnded(): void
  /** A session failed in what it is for; one more in a row until something is acknowledged. */
  sessionFailed(error: TidemarkError): void
  /** Writes left, so many; only together they carry every edit made up to now. */
  sent(parts: number): void
  acknowledged(): void
  /** A write was refused; it stays pending, and nothing more is written in this session. */
  refused(error: TidemarkError): void
  hello(hello: Hello): void
  /** Edits cannot be saved for now. */
  obstructed(error: TidemarkError): void
  unobstructed(): void
  /** A failure to tell and log, once. */
  failed(error: TidemarkError, attempt: number): void
  /** A token was refused for the first time, and a fresh one is asked for: to log, not to tell. */
  healing(error: TidemarkError): void
}

export interface LinkMeans extends CredentialsMeans {
  /** The Yjs clients of this device's other tabs. */
  readonly nearClients: () => ReadonlySet<number>
  /** The app hears nothing before the work is done: its listeners may stop the link. */
  readonly together: <Result>(work: () => Result) => Result
  readonly socket: Socket
  readonly clock: Clock
  readonly retry: RetrySchedule
  readonly sendWindow: number
}
