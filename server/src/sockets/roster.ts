import { type ErrorCode, isDocumentName, TidemarkError } from '@tidemark/shared'
import type { Access } from '../auth/access.ts'
import type { Consumer } from '../fairness/consumer.ts'
import type { Share } from '../fairness/share.ts'
import * as frames from './frames.ts'
import { Session } from './session.ts'

export interface RosterLimits {
  documentsPerSocket: number
  sessionsPerDocument: number
}

/** The sessions of one socket: who may begin one, which of them have been let in. */
export class Roster {
  readonly sessions = new Map<string, Session>()
  readonly #admitted = new Set<Session>()
  readonly #limits: RosterLimits
  readonly #consumer: Consumer
  readonly #changed: (isAuthenticated: boolean) => void

  /** @param changed called with each session that begins, is let in or ends */
  constructor(limits: RosterLimits, consumer: Consumer, changed: (isAuthenticated: boolean) => void) {
    this.#limits = limits
    this.#consumer = consumer
    this.#changed = changed
  }

  get isAuthenticated(): boolean {
    return this.#admitted.size > 0
  }

  get isStockWithOneDocument(): boolean {
    const [first, ...others] = this.sessions.values()
    return first?.access != null && !first.isTidemark && others.length === 0
  }

  isCurrent(session: Session): boolean {
    return this.sessions.get(session.address) === session
  }

  /** @returns the new session, or why there is none */
  begin(address: string, tokenField: string, now: number): Session | ErrorCode {
    const parsed = parseSessionAddress(address)
    if (!parsed) return 'document-name-invalid'
    const { documentName, sessionId } = parsed
    // Hocuspocus would hand a session's frames to the plain document's connection, and acks would be counted twice
    if (sessionId !== null && this.sessions.has(documentName)) return 'document-name-invalid'
    if (this.sessions.size >= this.#limits.documentsPerSocket) return 'too-many-documents'
    if (sessionId !== null && this.#sessionsOf(documentName) >= this.#limits.sessionsPerDocument) {
      return 'too-many-documents'
    }
    const session = new Session(address, documentName, now)
    session.tokenField = tokenField
    this.sessions.set(address, session)
    this.#changed(this.isAuthenticated)
    return session
  }

  #sessionsOf(documentName: string): number {
    let count = 0
    for (const session of this.sessions.values()) if (session.documentName === documentName) count++
    return count
  }

  /**
   * Its token was accepted.
   * @param user what this user takes of the server; null where users are not told apart
   * @throws {TidemarkError} `too-many-connections`, `too-many-documents`: the user has as many as there may be
   */
  admit(session: Session, access: Access, user: Share | null): void {
    // its socket may have closed meanwhile
    const isCurrent = this.isCurrent(session)
    if (user && isCurrent) {
      const excess = this.#consumer.join(user)
      if (excess) throw new TidemarkError(excess)
      session.share = user
    }
    session.access = access
    session.tokenField = null
    if (!isCurrent) return
    this.#admitted.add(session)
    this.#changed(true)
  }

  end(address: string): Session | null {
    const session = this.sessions.get(address)
    if (!session) return null
    this.sessions.delete(address)
    this.#admitted.delete(session)
    session.cancelExpiry?.()
    session.cancelRetry?.()
    this.#consumer.queue(-session.unsaved)
    session.unsaved = 0
    if (session.share) this.#consumer.leave(session.share)
    this.#changed(this.isAuthenticated)
    return session
  }
}

const sessionIdPattern = /^[\w-]{1,64}$/

/** @returns null for an address that no session may have */
function parseSessionAddress(address: string): frames.Address | null {
  const parsed = frames.parseAddress(address)
  const isValid =
    isDocumentName(parsed.documentName) && (parsed.sessionId === null || sessionIdPattern.test(parsed.sessionId))
  return isValid ? parsed : null
}
