import type { Connection } from '@hocuspocus/server'
import { closeCode, TidemarkError } from '@tidemark/shared'
import { statelessFrame } from './frames.ts'
import type { HeaderReader } from './header-reader.ts'
import type { Session } from './session.ts'
import type { Transport } from './transport.ts'

export interface RightsParts {
  sessions: ReadonlyMap<string, Session>
  headers: HeaderReader
  transport: Pick<Transport, 'send' | 'close'>
  now(): number
  report(session: Session, error: TidemarkError): void
}

/**
 * Whether the sessions of a socket may still be here (S4, S6). It is asked before each message in either direction: a timer
 * may be late, and what is under way for somebody whose right is gone does not reach them.
 */
export class Rights {
  readonly #parts: RightsParts
  /** When the first of them runs out, in Unix time in ms. */
  #soonest = Number.POSITIVE_INFINITY
  #hasEnded = false
  readonly #dismissed = new WeakSet<Connection>()

  constructor(parts: RightsParts) {
    this.#parts = parts
  }

  /** A session was let in, or has a fresh token. */
  changed(): void {
    this.#soonest = Number.POSITIVE_INFINITY
    for (const { access, over } of this.#parts.sessions.values()) {
      if (access?.expiresAt != null && !over) this.#soonest = Math.min(this.#soonest, access.expiresAt)
    }
  }

  /** Ends those whose time is over. */
  look(): void {
    if (this.#soonest === Number.POSITIVE_INFINITY) return
    const now = this.#parts.now()
    if (now < this.#soonest) return
    for (const session of [...this.#parts.sessions.values()]) {
      const expiresAt = session.access?.expiresAt
      if (expiresAt != null && expiresAt <= now) this.end(session, new TidemarkError('token-expired'))
    }
    this.changed()
  }

  /** From this moment the session neither reads nor writes. */
  end(session: Session, error: TidemarkError): void {
    if (session.over) return
    session.over = error
    this.#hasEnded = true
    if (session.connection) this.#dismissed.add(session.connection)
    const { transport, report } = this.#parts
    report(session, error)
    const { code, message } = error
    // a stock provider never opens a closed document again; a closed socket it does, with a new token
    if (!session.isTidemark) {
      transport.close(closeCode.tokenExpired, code)
      return
    }
    transport.send(statelessFrame(session.address, { tidemark: 'error', code, message }))
    session.connection?.close({ code: closeCode.tokenExpired, reason: code })
  }

  /** The document of a session is open. @returns whether it may still have it */
  admits({ over }: Session, connection: Connection): boolean {
    if (over) connection.close({ code: closeCode.tokenExpired, reason: over.code })
    return over === null
  }

  /** Whether a frame that Hocuspocus has for a client is for a session that may not read it any more. */
  withholds(frame: Uint8Array): boolean {
    if (!this.#hasEnded) return false
    const session = this.#parts.sessions.get(this.#parts.headers.read(frame).address)
    return !session || session.over !== null
  }

  /** Whether what this connection sent earlier, and Hocuspocus has not come to, does not count any more. */
  isDismissed(connection: Connection): boolean {
    return this.#dismissed.has(connection)
  }
}
