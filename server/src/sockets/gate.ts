import { randomUUID } from 'node:crypto'
import type { Connection, WebSocketLike } from '@hocuspocus/server'
import {
  assertNever,
  closeCode,
  type ErrorCode,
  errorSentences,
  messageType,
  type ServerMessage,
  type TidemarkError,
} from '@tidemark/shared'
import type { Access } from '../auth/access.ts'
import type { Documents } from '../documents/documents.ts'
import type { Consumer } from '../fairness/consumer.ts'
import type { Share } from '../fairness/share.ts'
import type { Presences } from '../presence/presences.ts'
import { Answers } from './answers.ts'
import { circumstancesOf } from './circumstances.ts'
import { Early } from './early.ts'
import { Echoes } from './echoes.ts'
import * as frames from './frames.ts'
import { HeaderReader } from './header-reader.ts'
import { inspect, type Verdict } from './inspect.ts'
import { LateWrites } from './late-writes.ts'
import { Outgoing } from './outgoing.ts'
import type { GateEvents, GateLimits, GateParts } from './owner.ts'
import { Questions } from './questions.ts'
import type { Reading } from './reading.ts'
import { Rights } from './rights.ts'
import { Roster } from './roster.ts'
import type { Session } from './session.ts'
import type { Transport } from './transport.ts'

/**
 * The seam that makes "Saved" true (R1): the WebSocket-like object that Hocuspocus writes to and the place where a
 * client's frames come in. Outgoing acks wait here until what they answer is committed; incoming frames are
 * checked here before anything is applied (R6.3) and authorised one by one (S4).
 */
export class Gate implements WebSocketLike {
  /** Tells one socket from another in the log. */
  readonly id = randomUUID().slice(0, 8)
  readonly reading: Reading
  /** Told when the first session is let in, and when the last one that was has ended. */
  authenticationChanged: (isAuthenticated: boolean) => void = () => {}
  readonly #transport: Transport
  readonly #consumer: Consumer
  readonly #documents: Documents
  readonly #presences: Presences
  readonly #limits: GateLimits
  readonly #events: GateEvents
  readonly #now: () => number
  readonly #echoes = new Echoes()
  readonly #headers = new HeaderReader()
  readonly #roster: Roster
  readonly #early: Early
  readonly #rights: Rights
  readonly #outgoing: Outgoing
  readonly #answers: Answers
  readonly #questions: Questions
  readonly #lateWrites: LateWrites
  #forward: ((frame: Uint8Array) => void) | null = null
  #wasAuthenticated = false
  #isGone = false

  constructor({ transport, reading, consumer, documents, presences, limits, events, now }: GateParts) {
    this.#consumer = consumer
    this.reading = reading
    this.#transport = transport
    this.#documents = documents
    this.#presences = presences
    this.#limits = limits
    this.#events = events
    this.#now = now
    this.#roster = new Roster(limits, consumer, (isAuthenticated) => this.#sessionsChanged(isAuthenticated))
    this.#early = new Early({
      transport,
      reading,
      limits,
      take: (session, frame) => this.#take(session, this.#headers.read(frame), frame),
    })
    const isCurrent = (session: Session) => this.#roster.isCurrent(session)
    this.#questions = new Questions({
      transport,
      documents,
      isCurrent,
      failed: (session, cause) => this.#failed(session, cause),
    })
    this.#lateWrites = new LateWrites({
      documents,
      limits,
      reading: this.reading,
      isCurrent,
      isDismissed: (connection) => this.#rights.isDismissed(connection),
      circumstancesOf: (session) => circumstancesOf(session, documents, limits, now()),
      refused: (session, refusal) => this.#noteRefusal(session, refusal),
      failed: (session, cause) => this.#failed(session, cause),
    })
    this.#answers = new Answers({
      transport,
      documents,
      isCurrent,
      report: (session, code, cause) => this.#report(session, code, cause),
      broken: (documentName, claims) => this.#events.broken(documentName, claims),
      waits: (session, bytes) => {
        session.unsaved += bytes
        consumer.queue(bytes)
      },
    })
    this.#rights = new Rights({
      sessions: this.sessions,
      headers: this.#headers,
      transport,
      now,
      report: (session, { code, cause }) => this.#report(session, code, cause),
    })
    this.#outgoing = new Outgoing({
      transport,
      documents,
      sessions: this.sessions,
      headers: this.#headers,
      echoes: this.#echoes,
      answers: this.#answers,
      questions: this.#questions,
      rights: this.#rights,
      end: (address) => this.#forget(address),
      removed: (removal) => this.#events.removed(removal),
    })
  }

  /** Where checked frames go: Hocuspocus's `handleMessage` for this socket. */
  attach(forward: (frame: Uint8Array) => void): void {
    this.#forward = forward
  }

  get sessions(): ReadonlyMap<string, Session> {
    return this.#roster.sessions
  }

  get isStockWithOneDocument(): boolean {
    return this.#roster.isStockWithOneDocument
  }

  // ——— from the client ———

  receive(frame: Uint8Array): void {
    if (!this.#transport.hears) return
    this.#consumer.read(frame.byteLength)
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
    this.#rights.look()
    const session = this.sessions.get(header.address)
    if (!session) {
      if (header.type === messageType.auth) this.#begin(header, frame)
      else this.#early.drop()
      return
    }
    this.#headers.expect(session)
    if (session.early) this.#early.hold(session, frame)
    else this.#take(session, header, frame)
  }

  /** Reads a frame of a session whose document is open. */
  #take(session: Session, header: frames.Header, frame: Uint8Array): void {
    if (session.over) return
    const verdict = inspect(session, header, circumstancesOf(session, this.#documents, this.#limits, this.#now()))
    switch (verdict.kind) {
      case 'pass-write':
        session.refusals.passed(verdict.claims)
        session.writes.push({ kind: 'passed', update: verdict.update, claims: verdict.claims })
        session.hasAnswered = true
        // step 2 is for the server alone, and what comes back to it is no echo
        if (verdict.isBroadcast) this.#echoes.remember(frame)
        break
      case 'pass-late':
        this.#lateWrites.note(session, frame, verdict.update)
        break
      case 'presence':
        this.#takePresence(session, verdict.update)
        return
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
        this.#answers.refuse(session, verdict.code, verdict.cause)
        this.#noteRefusal(session, verdict)
        return
      default:
        assertNever(verdict)
    }
    // an established session's frames need not be addressed again
    session.connection?.handleMessage(frame)
  }

  #noteRefusal(session: Session, { claims, code, needs, until }: Extract<Verdict, { kind: 'refuse-write' }>): void {
    if (claims) session.refusals.note(claims, code, needs)
    if (until !== undefined) this.#events.held(this, session, { code, until })
  }

  /** Hocuspocus is about to handle a frame, and waits for the promise. */
  beforeHandling(connection: Connection, frame: Uint8Array): Promise<void> {
    // it came while its sender might still write, and a large one would be applied long after
    if (this.#rights.isDismissed(connection)) {
      frames.makeEmpty(frame)
      return nothing
    }
    const late = this.#lateWrites.beforeHandling(connection, frame)
    if (late) return late
    const session = this.sessions.get(connection.messageAddress)
    return session ? this.#questions.beforeHandling(session, connection.document, frame) : nothing
  }

  #takePresence(session: Session, update: Uint8Array): void {
    if (!session.connection) return
    try {
      this.#documents.get(session.documentName)?.owners.said(session.connection, update)
      const excess = this.#presences.receive(session.connection, update)
      // once: who moves a mouse would be told sixty times a second
      if (excess === null || session.isPresenceRefused) return
      session.isPresenceRefused = true
      this.refuse(session, 'presence-refused', excess)
    } catch (cause) {
      this.refuse(session, 'message-malformed', cause)
    }
  }

  /** The update of a session that Hocuspocus is applying just now: a view into the frame it came in. */
  applying(address: string): Uint8Array | null {
    const write = this.sessions.get(address)?.writes[0]
    return write?.kind === 'passed' ? write.update : null
  }

  /** A session begins with its token. */
  #begin({ address, decoder }: frames.Header, frame: Uint8Array): void {
    let tokenField: string
    try {
      tokenField = frames.readTokenField(decoder)
    } catch (cause) {
      this.#deny(address, 'message-malformed', cause)
      return
    }
    const begun = this.#roster.begin(address, tokenField, this.#now())
    if (typeof begun === 'string') this.#deny(address, begun)
    else this.#forward?.(frame)
  }

  #sessionsChanged(isAuthenticated: boolean): void {
    this.#early.standingChanged(isAuthenticated, this.sessions.size)
    if (this.#wasAuthenticated === isAuthenticated) return
    this.#wasAuthenticated = isAuthenticated
    this.authenticationChanged(isAuthenticated)
  }

  /** Its token was accepted; throws as {@link Roster.admit} does. */
  admit(session: Session, access: Access, user: Share | null): void {
    this.#roster.admit(session, access, user)
    this.#rights.changed()
  }

  /** It has a fresh token. */
  renew(session: Session, access: Access): void {
    session.access = access
    this.#rights.changed()
  }

  /** Ends a session whose right to be here is over (S6): from this moment it neither reads nor writes. */
  end(session: Session, error: TidemarkError): void {
    this.#rights.end(session, error)
  }

  /** Its document is open: what it sends goes to `connection` from now on, what it sent meanwhile first. */
  open(session: Session, connection: Connection): void {
    session.connection = connection
    this.#rights.look()
    if (!this.#rights.admits(session, connection)) return
    this.#early.release(session).catch((cause) => this.#failed(session, cause))
  }

  #deny(address: string, code: ErrorCode, cause?: unknown): void {
    this.#early.drop()
    this.#events.refused(this, { code, documentName: null, userId: null, cause })
    this.#transport.send(frames.denialFrame(address.slice(0, 600), code))
  }

  /** Tells the client why; what it sent has been dropped. */
  refuse(session: Session, code: ErrorCode, cause?: unknown): void {
    this.#report(session, code, cause)
    this.tellError(session, code)
  }

  /** Something went wrong that nobody foresaw: what the session sent may be lost, so it must begin anew. */
  #failed(session: Session, cause: unknown): void {
    this.#report(session, 'internal', cause)
    this.close(closeCode.reset, 'connection-lost')
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

  /** Open as long as something that the client sent may wait: Hocuspocus drops what comes from a socket that is not. */
  get readyState(): number {
    return this.#transport.hears && !this.#isGone ? 1 : 3
  }

  send(data: Parameters<WebSocketLike['send']>[0]): void {
    // Hocuspocus writes Uint8Array only
    this.#outgoing.send(data as Uint8Array)
  }

  #forget(address: string): void {
    const session = this.#roster.end(address)
    if (session) this.#early.forget(session)
  }

  /** Closes the socket; `reason` is an error code. */
  close(code: number = closeCode.reset, reason = 'connection-lost'): void {
    this.#transport.close(code, reason)
  }

  /** The socket is gone. */
  closed(): void {
    this.#isGone = true
    for (const address of [...this.sessions.keys()]) this.#forget(address)
    this.#consumer.close()
  }
}

const nothing = Promise.resolve()
