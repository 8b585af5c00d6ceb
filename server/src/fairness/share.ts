import { Bucket } from './bucket.ts'

/** What one address, or one user, may have at once. */
export interface ShareLimits {
  readonly sockets: number
  readonly sessions: number
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  /** Edits that wait for the database. */
  readonly queuedBytes: number
}

/** What all sockets of one address, or of one user, take of the server together (R6.22). */
export class Share {
  sockets = 0
  sessions = 0
  /** When its last socket went. */
  leftAt = 0
  readonly limits: ShareLimits
  readonly #messages: Bucket
  readonly #bytes: Bucket
  #queued = 0

  constructor(limits: ShareLimits, now: number) {
    this.limits = limits
    this.#messages = new Bucket(limits.messagesPerSecond, now)
    this.#bytes = new Bucket(limits.bytesPerSecond, now)
  }

  take(messages: number, bytes: number, now: number): void {
    this.#messages.take(messages, now)
    this.#bytes.take(bytes, now)
  }

  /** How long nothing more should be read of it, in ms. */
  owed(now: number): number {
    return Math.max(this.#messages.owed(now), this.#bytes.owed(now))
  }

  /** Edits began or ceased to wait for the database. */
  queue(bytes: number): void {
    this.#queued += bytes
  }

  get isFull(): boolean {
    return this.#queued > this.limits.queuedBytes
  }
}
