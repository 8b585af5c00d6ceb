import { type Clock, closeCode, type ErrorCode } from '@tidemark/shared'
import type * as Y from 'yjs'
import type { Level } from '../../status/status.ts'
import type { Chance } from '../chance.ts'
import type { Timeline } from '../timeline.ts'
import { LiveDocument } from './live-document.ts'
import { type ServerEnd, ServerSocket } from './server-socket.ts'
import type { ServerSession } from './session.ts'
import { Storage } from './storage.ts'

/** Decides what a token allows on a document: a level, or the error code of the refusal. */
export type Authorise = (token: string, document: string) => Level | ErrorCode

/** How long after its storage went away the server tells its clients, in ms. */
const tellsAfter = 1_000

/**
 * The server of a simulated world. It speaks the wire of a Tidemark server, and keeps what is committed apart from what
 * it merely has in memory: peers get an edit at once, the writer's acknowledgement waits for the commit, and
 * {@link kill} loses what was not committed.
 */
export class MemoryServer {
  readonly #timeline: Timeline
  readonly #clock: Clock
  readonly #storage: Storage
  readonly #authorise: Authorise
  readonly #levels = new Map<string | null, Level>()
  readonly #documents = new Map<string, LiveDocument>()
  readonly #sockets = new Map<ServerSocket, ServerEnd>()
  #isRunning = true
  #outage = 0
  #hasToldOutage = false
  /** In bytes: a longer message is refused by closing the socket it came on. */
  maxMessageBytes = 16 * 1024 * 1024

  /** @internal use `createWorld` */
  constructor(timeline: Timeline, chance: Chance, authorise: Authorise) {
    this.#timeline = timeline
    this.#clock = {
      now: () => timeline.time,
      random: () => chance.next(),
      after: (delay, callback) => timeline.after(delay, callback),
    }
    this.#storage = new Storage(timeline, chance)
    this.#authorise = authorise
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** How many sockets are open, and how many sessions there are on them for a document (or for all). */
  get socketCount(): number {
    return this.#sockets.size
  }

  sessionCount(document?: string): number {
    return this.#sessions().filter(({ documentName }) => document === undefined || documentName === document).length
  }

  /** What the server holds durably of a document, in a `Y.Doc` of your own. */
  committed(document: string): Y.Doc {
    return this.#storage.read(document)
  }

  /** The updates of a document that are committed, in their order. */
  journal(document: string): readonly Uint8Array[] {
    return this.#storage.get(document)?.rows ?? []
  }

  /** The tokens of those who brought the updates of {@link journal}. */
  writers(document: string): readonly string[] {
    return this.#storage.get(document)?.tokens ?? []
  }

  /** What the server has in memory: committed or not, this is what peers see. */
  inMemory(document: string): Y.Doc {
    return this.#documents.get(document)?.doc ?? this.#storage.read(document)
  }

  /** The epoch of a document's history; null when there is none. */
  epochOf(document: string): string | null {
    return this.#documents.get(document)?.line.journal.epoch ?? this.#storage.get(document)?.epoch ?? null
  }

  /** Edits are committed, and so acknowledged, this much later. */
  setCommitDelay(ms: number): void {
    this.#storage.commitDelay = ms
  }

  /** As `kill -9`: connections break, what was not committed is gone. */
  kill(): void {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#storage.forgetUncommitted()
    for (const end of this.#sockets.values()) end.close(1006, '')
    this.#sockets.clear()
    for (const name of [...this.#documents.keys()]) this.#forget(name)
  }

  /** A graceful shutdown: what is queued is committed and acknowledged first, if the storage is there. */
  async stop(): Promise<void> {
    if (!this.#isRunning) return
    const isDurable = () => [...this.#documents.values()].every(({ line }) => line.durable === line.appended)
    while (!isDurable() && !this.#storage.isAway) await this.#timeline.advance(1)
    for (const socket of [...this.#sockets.keys()]) socket.close(closeCode.serviceRestart, 'server-restarting')
    this.kill()
  }

  /** Runs again, with what was committed. */
  start(): void {
    this.#isRunning = true
  }

  /** {@link kill}, if it runs, and {@link start}. */
  restart(): void {
    this.kill()
    this.start()
  }

  /** The database goes away: edits still reach peers, nothing is acknowledged; clients are told within 2 s. */
  failStore(): void {
    if (this.#storage.isAway) return
    this.#storage.goAway()
    const outage = ++this.#outage
    this.#timeline.after(tellsAfter, () => {
      if (outage !== this.#outage || !this.#storage.isAway) return
      this.#hasToldOutage = true
      for (const session of this.#sessions()) session.tellError('storage-unavailable')
    })
  }

  /** The database is back: what waited is committed and acknowledged. */
  healStore(): void {
    this.#storage.comeBack()
    this.#outage++
    if (!this.#hasToldOutage) return
    this.#hasToldOutage = false
    for (const session of this.#sessions()) session.tell({ tidemark: 'recovered', code: 'storage-unavailable' })
  }

  /**
   * What tokens allow from now on, in open sessions too.
   * @param document all documents that have no level of their own, when left out
   */
  setLevel(level: Level, document?: string): void {
    this.#levels.set(document ?? null, level)
    for (const session of this.#sessions()) {
      if (document === undefined || session.documentName === document) session.permit(level)
    }
  }

  /** Asks all clients for a fresh token, as before a token runs out. */
  requestTokens(): void {
    for (const session of this.#sessions()) session.requestToken()
  }

  /** The document was purged or restored: its history is over, and a new one begins, empty, with a new epoch. */
  resetDocument(document: string): void {
    this.#storage.reset(document)
    const live = this.#documents.get(document)
    this.#forget(document)
    const affected = new Set(live?.sessions)
    for (const socket of [...this.#sockets.keys()]) {
      if ([...socket.sessions.values()].some((session) => affected.has(session))) {
        socket.close(closeCode.reset, 'connection-lost')
      }
    }
  }

  /** Closes every socket, as a proxy does; the server stays. */
  dropSockets(code: number = closeCode.reset, reason = 'connection-lost'): void {
    for (const socket of [...this.#sockets.keys()]) socket.close(code, reason)
  }

  /** @internal the network brings a connection; null when nobody listens */
  accept(end: ServerEnd): { receive(frame: Uint8Array): void; closed(): void } | null {
    if (!this.#isRunning) return null
    const socket: ServerSocket = new ServerSocket(
      {
        send: (frame) => end.send(frame),
        close: (code, reason) => {
          this.#sockets.delete(socket)
          end.close(code, reason)
        },
      },
      {
        authorise: (token, name) => this.#levelOf(token, name),
        epochOf: (name) => this.epochOf(name),
        isStorageAway: () => this.#storage.isAway,
        open: (name) => this.#open(name),
        ended: (session) => this.#ended(session),
      },
    )
    this.#sockets.set(socket, end)
    const isCurrent = () => this.#sockets.has(socket)
    return {
      receive: (frame) => {
        if (!isCurrent()) return
        if (frame.byteLength <= this.maxMessageBytes) socket.receive(frame)
        else socket.close(closeCode.messageTooLarge, 'message-too-large')
      },
      closed: () => {
        if (this.#sockets.delete(socket)) socket.closed()
      },
    }
  }

  #levelOf(token: string, name: string): Level | ErrorCode {
    return this.#levels.get(name) ?? this.#levels.get(null) ?? this.#authorise(token, name)
  }

  #open(name: string): LiveDocument | null {
    let document = this.#documents.get(name)
    if (document) return document
    if (this.#storage.isAway) return null
    document = new LiveDocument(name, this.#storage, this.#clock)
    this.#documents.set(name, document)
    return document
  }

  #ended({ documentName }: ServerSession): void {
    const document = this.#documents.get(documentName)
    // it leaves memory only when nothing of it is queued (R3.3)
    document?.whenDurable(() => {
      if (document.isUnused && this.#documents.get(documentName) === document) this.#forget(documentName)
    })
  }

  #forget(name: string): void {
    this.#documents.get(name)?.close()
    this.#documents.delete(name)
  }

  #sessions(): ServerSession[] {
    return [...this.#sockets.keys()].flatMap((socket) => [...socket.sessions.values()])
  }
}
