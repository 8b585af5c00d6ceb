import { randomUUID } from 'node:crypto'
import type { Connection, WebSocketLike } from '@hocuspocus/server'
import {
  assertNever,
  closeCode,
  consequenceOf,
  type ErrorCode,
  errorCodeFromReason,
  errorSentences,
  messageType,
  type ServerMessage,
} from '@tidemark/shared'
import type { Documents } from '../documents/documents.ts'
import { depart } from '../documents/presence.ts'
import type { StructureLimits } from '../documents/structure.ts'
import { Answers } from './answers.ts'
import { circumstancesOf } from './circumstances.ts'
import type { Claims } from './claims.ts'
import { Echoes } from './echoes.ts'
import * as frames from './frames.ts'
import { HeaderReader } from './header-reader.ts'
import { inspect, parseSessionAddress } from './inspect.ts'
import { Questions } from './questions.ts'
import type { Removal } from './room.ts'
import { Session } from './session.ts'
import type { Transport } from './transport.ts'

export interface GateLimits extends StructureLimits {
  documentBytes: number
  documentsPerSocket: number
}

/** What a gate tells the server that owns it. */
export interface GateEvents {
  /** Yjs broke a document in memory while it applied an edit: it must leave, with no acknowledgement. */
  broken(documentName: string, claims: Claims): void
  /** An edit that could not be stored was refused; it may be tried again then (Unix time in ms). */
  held(gate: Gate, session: Session, until: number): void
  /** Something was removed from a document that had no room for somebody's edit. */
  removed(removal: Removal): void
  refused(
    gate: Gate,
    failure: { code: ErrorCode; documentName: string | null; userId: string | null; cause?: unknown },
  ): void
}

/**
 * The seam that makes "Saved" true (R1): the WebSocket-like object that Hocuspocus writes to and the place where a
 * client's frames come in. Outgoing acks wait here until what they answer is committed; incoming frames are
 * checked here before anything is applied (R6.3) and authorised one by one (S4).
 */
export class Gate implements WebSocketLike {
  /** Tells one socket from another in the log. */
  readonly id = randomUUID().slice(0, 8)
  readonly sessions = new Map<string, Session>()
  readonly #transport: Transport
  readonly #documents: Documents
  readonly #limits: GateLimits
  readonly #events: GateEvents
  readonly #now: () => number
  readonly #echoes = new Echoes()
  readonly #headers = new HeaderReader()
  readonly #answers: Answers
  readonly #questions: Questions
  #forward: ((frame: Uint8Array) => void) | null = null

  constructor(transport: Transport, documents: Documents, limits: GateLimits, events: GateEvents, now: () => number) {
    this.#transport = transport
    this.#documents = documents
    this.#limits = limits
    this.#events = events
    this.#now = now
    const isCurrent = (session: Session) => this.sessions.get(session.address) === session
    this.#questions = new Questions({
      transport,
      documents,
      isCurrent,
      failed: (session, cause) => {
        this.#report(session, 'internal', cause)
        this.close(closeCode.reset, 'connection-lost')
      },
    })
    this.#answers = new Answers({
      transport,
      documents,
      isCurrent,
      report: (session, code, cause) => this.#report(session, code, cause),
      broken: (documentName, claims) => this.#events.broken(documentName, claims),
    })
  }

  /** Where checked frames go: Hocuspocus's `handleMessage` for this socket. */
  attach(forward: (frame: Uint8Array) => void): void {
    this.#forward = forward
  }

  get isAuthenticated(): boolean {
    for (const { access } of this.sessions.values()) if (access) return true
    return false
  }

  get isStockWithOneDocument(): boolean {
    const [first, ...others] = this.sessions.values()
    return first?.access != null && !first.isTidemark && others.length === 0
  }

  // ——— from the client ———

  receive(frame: Uint8Array): void {
    if (!this.#transport.isOpen) return
    // pings and pongs have no address
    if (frame.byteLength === 1 && frame[0] === messageType.pong) return
    if (frame.byteLength === 1 && frame[0] === messageType.ping) {
      this.#transport.send(frames.pongFrame)
      return
    }
    let header: frames.Header
    try {
      header = this.#headers.read(frame)
    } catch (cause) {
      this.#events.refused(this, { code: 'message-malformed', documentName: null, userId: null, cause })
      this.close(closeCode.malformed, 'message-malformed')
      return
    }
    // A session begins with its authentication. What comes before it, or after a close, is a leftover of an earlier
    // session; Hocuspocus would keep it and answer it in the next one, where the client takes it for another ack (R4.3).
    const session =
      this.sessions.get(header.address) ?? (header.type === messageType.auth ? this.#openSession(header.address) : null)
    if (!session) return
    this.#headers.expect(session)
    const verdict = inspect(session, header, circumstancesOf(session, this.#documents, this.#limits, this.#now()))
    switch (verdict.kind) {
      case 'pass-write':
        session.refusals.passed(verdict.claims)
        session.writes.push({ kind: 'passed', update: verdict.update, claims: verdict.claims })
        // step 2 is for the server alone, and what comes back to it is no echo
        if (verdict.isBroadcast) this.#echoes.remember(frame)
        break
      case 'authenticate':
        if (!session.access) session.tokenField = verdict.tokenField
        break
      case 'pass-presence':
        this.#depart(session, verdict.gone)
        break
      case 'pass-question':
        this.#questions.note(session, frame, verdict.known)
        break
      case 'pass':
        break
      case 'drop':
        return
      case 'refuse':
        this.refuse(session, verdict.code, verdict.cause)
        return
      case 'refuse-write':
        if (verdict.claims) session.refusals.note(verdict.claims, verdict.code, verdict.bytes ?? 0)
        this.#answers.refuse(session, verdict.code, verdict.cause)
        if (verdict.until !== undefined) this.#events.held(this, session, verdict.until)
        return
      default:
        assertNever(verdict)
    }
    // an established session's frames need not be addressed again
    if (session.connection) session.connection.handleMessage(frame)
    else this.#forward?.(frame)
  }

  /** Hocuspocus is about to handle a frame, and waits for the promise. */
  beforeHandling({ messageAddress, document }: Connection, frame: Uint8Array): Promise<void> {
    return this.#questions.beforeHandling(this.sessions.get(messageAddress), document, frame)
  }

  /** The update of a session that Hocuspocus is applying just now: a view into the frame it came in. */
  applying(address: string): Uint8Array | null {
    const write = this.sessions.get(address)?.writes[0]
    return write?.kind === 'passed' ? write.update : null
  }

  #depart({ documentName, connection }: Session, gone: number[]): void {
    const document = this.#documents.get(documentName)?.document
    if (gone.length > 0 && document && connection) depart(document, connection, gone)
  }

  #openSession(address: string): Session | null {
    const parsed = parseSessionAddress(address)
    // Hocuspocus would hand a session's frames to the plain document's connection, and acks would be counted twice
    const isAmbiguous = parsed?.sessionId != null && this.sessions.has(parsed.documentName)
    if (!parsed || isAmbiguous) {
      this.#deny(address.slice(0, 600), 'document-name-invalid')
      return null
    }
    if (this.sessions.size >= this.#limits.documentsPerSocket) {
      this.#deny(address, 'too-many-documents')
      return null
    }
    const session = new Session(address, parsed.documentName, this.#now())
    this.sessions.set(address, session)
    return session
  }

  #deny(address: string, code: ErrorCode): void {
    this.#events.refused(this, { code, documentName: null, userId: null })
    this.#transport.send(frames.denialFrame(address, code))
  }

  /** Tells the client why; what it sent has been dropped. */
  refuse(session: Session, code: ErrorCode, cause?: unknown): void {
    this.#report(session, code, cause)
    this.tellError(session, code)
  }

  #report(session: Session, code: ErrorCode, cause?: unknown): void {
    const userId = session.access?.userId ?? null
    this.#events.refused(this, { code, documentName: session.documentName, userId, cause })
  }

  tell(session: Session, message: ServerMessage): void {
    if (this.#transport.isOpen) this.#transport.send(frames.statelessFrame(session.address, message))
  }

  tellError(session: Session, code: ErrorCode): void {
    this.tell(session, { tidemark: 'error', code, message: errorSentences[code] })
  }

  // ——— from Hocuspocus ———

  get readyState(): number {
    return this.#transport.isOpen ? 1 : 3
  }

  send(data: Parameters<WebSocketLike['send']>[0]): void {
    // Hocuspocus writes Uint8Array only
    const frame = data as Uint8Array
    switch (frames.typeOf(frame)) {
      case messageType.syncStatus:
        this.#answer(frame)
        return
      case messageType.auth:
        this.#passAuthentication(frame)
        return
      case messageType.close:
        this.#transport.send(frame)
        this.#closeSession(frames.readHeader(frame).address)
        return
      case messageType.sync:
        if (this.#echoes.take(frame) || this.#isOfFaulty(frame) || this.#questions.hold(frame)) return
        this.#transport.send(frame)
        return
      default:
        this.#transport.send(frame)
    }
  }

  /** What a document cannot keep does not go to the others either: they would send it again. */
  #isOfFaulty(frame: Uint8Array): boolean {
    if (!this.#documents.hasFaulty) return false
    const { documentName } = frames.parseAddress(frames.readHeader(frame).address)
    return this.#documents.get(documentName)?.fault != null
  }

  #answer(frame: Uint8Array): void {
    const { address, decoder } = this.#headers.read(frame)
    const session = this.sessions.get(address)
    const status = { isSaved: frames.readSyncStatus(decoder), frame }
    const write = session?.writes[0]
    if (!session || !this.#answers.hold(session, status)) this.close(closeCode.reset, 'connection-lost')
    else if (write?.kind === 'passed' && write.claims.deletions.clients.size > 0) this.#removed(session, write.claims)
  }

  #removed(session: Session, claims: Claims): void {
    const size = this.#documents.get(session.documentName)?.size
    if (size?.isWaitedFor) this.#events.removed({ session, claims })
  }

  #passAuthentication(frame: Uint8Array): void {
    const { address, decoder } = frames.readHeader(frame)
    const reason = frames.readDenial(decoder)
    const session = this.sessions.get(address)
    if (reason === null) {
      this.#transport.send(frame)
      return
    }
    const code = errorCodeFromReason(reason, 'permission-denied')
    // A stock provider gives up on a denial for good; what will pass is told by closing, which it retries.
    if (!session?.isTidemark && consequenceOf(code) === 'retry') {
      this.close(closeCode.tryAgainLater, code)
      return
    }
    this.#transport.send(frame)
    this.#closeSession(address)
  }

  #closeSession(address: string): void {
    const session = this.sessions.get(address)
    if (!session) return
    this.sessions.delete(address)
    session.cancelExpiry?.()
    session.cancelRetry?.()
  }

  /** Closes the socket; `reason` is an error code. */
  close(code: number = closeCode.reset, reason = 'connection-lost'): void {
    this.#transport.close(code, reason)
  }

  setPaused(paused: boolean): void {
    this.#transport.setPaused(paused)
  }

  /** The socket is gone. */
  closed(): void {
    for (const address of [...this.sessions.keys()]) this.#closeSession(address)
  }
}
