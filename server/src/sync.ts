import type { IncomingMessage } from 'node:http'
import { type Clock, closeCode, type ErrorCode, TidemarkError } from '@tidemark/shared'
import type { Authoriser } from './auth/access.ts'
import type { Revocations } from './auth/revocations.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import { Documents } from './documents/documents.ts'
import { TidemarkHocuspocus, withoutDefaultHooks } from './documents/hocuspocus.ts'
import type { RowQuarantined } from './documents/load.ts'
import type { Memory } from './documents/memory.ts'
import type { OpenDocument } from './documents/open-document.ts'
import { Refusal } from './documents/refusal.ts'
import { Fairness } from './fairness/fairness.ts'
import type { Turns } from './fairness/turns.ts'
import { Journal } from './journal/journal.ts'
import { Presences } from './presence/presences.ts'
import { type AcceptParts, acceptSockets, type Upgradable } from './sockets/accept.ts'
import { authentication } from './sockets/authentication.ts'
import { type Claims, readClaims } from './sockets/claims.ts'
import type { ConnectionContext } from './sockets/context.ts'
import { Gate } from './sockets/gate.ts'
import { type LiveSession, liveSessionsOf } from './sockets/live-sessions.ts'
import type { GateEvents } from './sockets/owner.ts'
import { Reading } from './sockets/reading.ts'
import { makeRoom, type Removal } from './sockets/room.ts'
import { type ServeParts, serveSocket } from './sockets/serve.ts'
import type { Session } from './sockets/session.ts'
import { type ServedSocket, Sockets } from './sockets/sockets.ts'
import type { Transport } from './sockets/transport.ts'

/** A failure, as it is logged and counted: once, with all that is known (R5.3, P12). */
export interface SyncFailure {
  code: ErrorCode
  documentName?: string | null
  /** Which socket. */
  sessionId?: string
  userId?: string | null
  attempt?: number | string
  cause?: unknown
}

export interface SyncParts {
  config: Pick<Config, 'limits' | 'journal' | 'snapshots'> & { auth: Pick<Config['auth'], 'mode'> }
  database: Database
  authoriser: Authoriser
  revocations: Pick<Revocations, 'check' | 'isRevoked' | 'changed'>
  clock: Clock
  /** Of this process, for the documents. */
  memory: Memory
  version: string
  /** Checks the host and the origin of an upgrade; an error code refuses it (S2). */
  checkUpgrade(request: IncomingMessage): ErrorCode | null
  onFailure(failure: SyncFailure): void
}

/** Everything between a socket and the database: Hocuspocus, its documents, the journal, the gates. */
export class SyncServer {
  readonly journal: Journal
  readonly documents: Documents
  readonly sockets: Sockets
  readonly hocuspocus: TidemarkHocuspocus
  readonly #presences: Presences
  readonly #fairness: Fairness
  readonly #parts: SyncParts
  #stopping = false

  constructor(parts: SyncParts) {
    this.#parts = parts
    const { config, database, clock } = parts
    const onListenerError = (cause: unknown) => parts.onFailure({ code: 'internal', cause })
    this.journal = new Journal(
      database,
      { windowMs: config.journal.windowMs, queuedBytes: config.limits.queuedBytes },
      clock,
      onListenerError,
    )
    this.documents = new Documents(database, this.journal, config.limits, parts.memory, onListenerError)
    this.#presences = new Presences(config.limits, clock)
    this.sockets = new Sockets(config.limits, clock)
    this.#fairness = new Fairness(config.limits, config.auth.mode !== 'open', clock, () => this.journal.queued.bytes)
    this.hocuspocus = new TidemarkHocuspocus(
      {
        ...withoutDefaultHooks,
        quiet: true,
        // idleness is judged by WebSocket pings (Sockets), which throttled tabs answer too
        timeout: 2 ** 31 - 1,
        debounce: config.snapshots.debounceMs,
        maxDebounce: config.snapshots.maxDebounceMs,
        maxPendingDocuments: config.limits.documentsPerSocket,
        extensions: [
          authentication({
            authoriser: parts.authoriser,
            revocations: parts.revocations,
            documents: this.documents,
            clock,
            version: parts.version,
            messageBytes: config.limits.messageBytes,
            shareOf: (userId) => this.#fairness.userOf(userId),
            isStorageAvailable: (name) => this.journal.available && !this.documents.get(name)?.line.isTroubled,
            onFailure: ({ error, ...facts }) => parts.onFailure({ ...facts, code: error.code, cause: error.cause }),
          }),
          this.documents.extension,
        ],
      },
      {
        loaded: (document) => this.#presences.loaded(document),
        come: (documentName, mayWrite) => this.documents.come(documentName, mayWrite),
        quarantined: (documentName, error) => this.#reportQuarantined(documentName, error),
        refuse: (documentName, cause) => this.#refuseLoading(documentName, cause),
      },
    )
    this.#connectParts()
  }

  #connectParts(): void {
    const { onFailure, revocations } = this.#parts
    revocations.changed = () => this.#endRevoked()
    this.documents.events.on('settled', ({ document }) => {
      if (document.getConnectionsCount() === 0) void this.hocuspocus.unloadDocument(document)
    })
    this.documents.events.on('measured', (open) => {
      if (open.size.isWaitedFor) this.#makeRoom(open, null)
    })
    this.documents.events.on('snapshotFailed', ({ documentName, cause }) =>
      onFailure({ code: 'storage-unavailable', documentName, attempt: 'snapshot', cause }),
    )
    this.documents.events.on('quarantined', ({ documentName, error }) => this.#reportQuarantined(documentName, error))
    this.documents.events.on('setBack', ({ documentName, revision, head }) =>
      onFailure({
        code: 'database-set-back',
        documentName,
        attempt: `revision ${revision} was stored, ${head} is there`,
      }),
    )
    this.documents.events.on('catchUpFailed', ({ documentName, cause }) =>
      onFailure({ code: 'storage-unavailable', documentName, attempt: 'catch up', cause }),
    )
    this.journal.events.on('committed', () => this.#fairness.stored())
    this.journal.events.on('pressure', (underPressure) => this.sockets.setPaused(underPressure || this.#stopping))
    this.journal.events.on('storage', (state) => {
      if (!state.available) onFailure({ code: 'storage-unavailable', attempt: state.attempt, cause: state.cause })
      this.#tellAll(state.available)
    })
    this.journal.events.on('document', ({ line: { documentName }, cause }) => {
      if (cause !== null)
        onFailure({ code: 'storage-unavailable', documentName, attempt: 'this document alone', cause })
      if (this.#told) this.#tell(cause === null, (session) => session.documentName === documentName)
    })
    this.journal.events.on('failed', ({ line, error, updates }) => {
      this.#writeFailed(line.documentName, error, () => updates.map(readClaims))
      this.#fairness.stored()
    })
  }

  /** Edits of this document cannot be stored, now or when they come again. */
  #writeFailed(documentName: string, error: TidemarkError, edits: () => Claims[]): void {
    const { onFailure, clock } = this.#parts
    onFailure({ code: error.code, documentName, cause: error.cause })
    this.#endSessions(documentName, error)
    if (error.code !== 'document-write-failed') return
    this.documents.unstorable.failed(documentName, edits(), clock.now())
  }

  #endRevoked(): void {
    for (const gate of this.sockets.gates()) {
      for (const session of [...gate.sessions.values()]) {
        if (session.access && this.#parts.revocations.isRevoked(session.access)) {
          gate.end(session, new TidemarkError('token-revoked'))
        }
      }
    }
  }

  #told = true
  /** Tells every Tidemark session, and stock ones in a message they ignore, that storing waits or goes on (R5.5). */
  #tellAll(available: boolean): void {
    if (available === this.#told) return
    this.#told = available
    // those of a document that waits by itself hear of it when that is over (R6.18)
    this.#tell(available, ({ documentName }) => !available || !this.documents.get(documentName)?.line.isTroubled)
  }

  #tell(available: boolean, isConcerned: (session: Session) => boolean): void {
    for (const gate of this.sockets.gates()) {
      for (const session of gate.sessions.values()) {
        if (!session.access || !isConcerned(session)) continue
        if (available) gate.tell(session, { tidemark: 'recovered', code: 'storage-unavailable' })
        else gate.tellError(session, 'storage-unavailable')
      }
    }
  }

  #reportQuarantined(documentName: string, { summary, cause }: RowQuarantined): void {
    this.#parts.onFailure({ code: 'document-load-failed', documentName, attempt: summary, cause })
  }

  /** A document that cannot be stored any more leaves memory without an ack: its writers still hold their edits (R6.2). */
  #endSessions(documentName: string, error: TidemarkError): void {
    const document = this.documents.get(documentName)?.document
    if (!document) return
    for (const connection of document.getConnections()) {
      const { gate } = connection.context as ConnectionContext
      const session = gate.sessions.get(connection.messageAddress)
      if (!session?.isTidemark) {
        gate.close(closeCode.reset, error.code)
        continue
      }
      gate.tellError(session, error.code)
      connection.close({ code: closeCode.reset, reason: error.code })
    }
    // whoever comes back gets the document as it is stored
    void this.hocuspocus.discard(document)
  }

  #makeRoom({ document, size }: OpenDocument, removal: Removal | null): void {
    const limit = this.#parts.config.limits.documentBytes
    makeRoom(this.sockets.gates(), { documentName: document.name, size, limit }, removal)
  }

  /** A stock client sends again what was refused when it connects again; a Tidemark client when its person says so. */
  #tryAgain(gate: Gate, session: Session, { code, until }: { code: ErrorCode; until: number }): void {
    if (session.isTidemark || session.cancelRetry) return
    const { clock } = this.#parts
    session.cancelRetry = clock.after(Math.max(0, until - clock.now()), () => gate.close(closeCode.reset, code))
  }

  #refuseLoading(documentName: string, cause: unknown): Refusal {
    const error =
      cause instanceof TidemarkError ? cause : new TidemarkError('document-load-failed', undefined, { cause })
    this.#parts.onFailure({ code: error.code, documentName, attempt: 'load', cause: error.cause })
    return new Refusal(error)
  }

  /**
   * Takes the HTTP server's WebSocket upgrades.
   * @param turns in which they are taken, and what comes in on the sockets
   * @param addressOf where a request comes from
   */
  acceptOn(
    server: Upgradable,
    turns: Turns,
    { arrivals, addressOf }: Pick<AcceptParts, 'arrivals' | 'addressOf'>,
  ): void {
    acceptSockets(server, {
      ...this.#serveParts(turns),
      arrivals,
      limits: this.#parts.config.limits,
      check: this.#parts.checkUpgrade,
      isStopping: () => this.#stopping,
      addressOf,
      hasRoom: (address) => this.#fairness.hasRoom(address),
    })
  }

  /** Serves a socket that has been accepted already. @param from its client's address */
  serve(socket: ServedSocket, transport: Transport, from: string): void {
    serveSocket(socket, transport, this.#serveParts(atOnce), from)
  }

  #serveParts(turns: ServeParts['turns']): ServeParts {
    const { config, clock, onFailure } = this.#parts
    const events: GateEvents = {
      refused: (gate, failure) => onFailure({ ...failure, sessionId: gate.id }),
      broken: (documentName, claims) => {
        const cause =
          this.documents.get(documentName)?.fault ??
          new Error('Yjs threw in the clean-up of a transaction, and the document takes no more edits')
        this.#writeFailed(documentName, new TidemarkError('document-write-failed', undefined, { cause }), () =>
          claims ? [claims] : [],
        )
      },
      held: (gate, session, refusal) => this.#tryAgain(gate, session, refusal),
      removed: (removal) => {
        const open = this.documents.get(removal.session.documentName)
        if (open) this.#makeRoom(open, removal)
      },
    }
    return {
      hocuspocus: this.hocuspocus,
      sockets: this.sockets,
      turns,
      makeGate: (transport, from) => {
        const reading = new Reading((isPaused) => transport.setPaused(isPaused))
        return new Gate({
          transport,
          reading,
          consumer: this.#fairness.consumer(from, reading),
          documents: this.documents,
          presences: this.#presences,
          limits: config.limits,
          events,
          now: clock.now,
        })
      },
      onRefused: (code, cause) => onFailure({ code, ...(cause === undefined ? {} : { cause }) }),
    }
  }

  /** Who has the document open on this node. */
  sessionsOf(documentName: string): LiveSession[] {
    const document = this.documents.get(documentName)?.document
    return document ? liveSessionsOf(document) : []
  }

  /**
   * Stops taking sockets and reading from them, commits what is queued (which releases its acks), closes the sockets (W3).
   * @returns how many updates could not be committed in time; nobody was told that they are saved
   */
  async stop(timeoutMs: number): Promise<number> {
    this.#stopping = true
    // what comes in now would have to be committed, too, and there is no end to it
    this.sockets.setPaused(true)
    const left = await this.journal.close(timeoutMs)
    await this.sockets.close(closingMs)
    // what could not be stored in time would wait for it, and keep its timers
    await Promise.all([...this.documents.all()].map(({ document }) => this.hocuspocus.discard(document)))
    return left
  }
}

const atOnce: ServeParts['turns'] = { enter: (_, work) => work() }

/** What a client is given to answer the close of its socket; then it is cut. */
const closingMs = 1_000
