import { Emitter, TidemarkError } from '@tidemark/shared'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { TokenSource } from './auth/token-source.ts'
import { type FlushOptions, FlushWaiters } from './flush.ts'
import type { CloseGuard } from './guard.ts'
import type { Hello, LinkEvents } from './link/contract.ts'
import { Link } from './link/link.ts'
import type { Socket } from './link/socket.ts'
import { logEntry } from './log.ts'
import type { Settings } from './options.ts'
import { keepPresence } from './page-presence.ts'
import { pendingCount } from './status/positions.ts'
import {
  after,
  beginning,
  type ConnectionStatus,
  type DocumentStatus,
  type Happening,
  hasDrained,
  isUnsafeToClose,
  keepsEdits,
  type Level,
  sameStatus,
  statusOf,
} from './status/status.ts'
import { inTrueWords } from './status/wording.ts'
import { LocalCopy, type LocalCopyEvents } from './store/local-copy.ts'
import type { History } from './store/local-store.ts'
import type { MemoryShelves } from './store/memory-store.ts'
import { databaseName } from './store/open-store.ts'
import { clientVersion } from './version.ts'

export interface DocumentEvents {
  /** An edit was made; in the same tick (R2.1). Also after loading, when edits of an earlier time are pending. */
  pending: { readonly pendingCount: number }
  /** The server holds everything, durably; once each time nothing is pending any more (R4.1). */
  drained: { readonly lastSavedAt: number }
  /** Every failure. `persistent` ones do not go away by themselves: show them to the person. */
  error: { readonly error: TidemarkError; readonly code: TidemarkError['code']; readonly persistent: boolean }
  /** Any part of the status has changed, the level included. */
  status: DocumentStatus
  /** The handshake of this session is done (true), or the session is over (false). */
  synced: boolean
  /** The same, under the name that some editor bindings listen for. */
  sync: boolean
  destroy: undefined
}

/** What a document gets from its client. */
export interface DocumentMeans {
  readonly settings: Settings
  readonly socket: Socket
  readonly tokens: TokenSource
  readonly guard: CloseGuard
  readonly shelves: MemoryShelves
  readonly onClosed: (document: TidemarkDocument) => void
}

/**
 * An opened document: a `Y.Doc` that is kept on this device, synced with the server, and knows when it is saved.
 * It has the shape that editor bindings expect of a Yjs provider. Made by `client.open`.
 */
export class TidemarkDocument implements AsyncDisposable {
  readonly name: string
  readonly doc: Y.Doc
  readonly awareness: Awareness
  /** The local copy is loaded, or it was decided to go on in memory. Never rejects. */
  readonly whenLoaded: Promise<void>
  /** The first handshake is done. Rejects with `document-closed` when the document is closed before. */
  readonly whenSynced: Promise<void>

  readonly #means: DocumentMeans
  readonly #emitter = new Emitter<DocumentEvents>()
  readonly #link: Link
  readonly #waiters: FlushWaiters
  readonly #firstSync = Promise.withResolvers<void>()
  readonly #copy: LocalCopy
  #situation = beginning
  #status = statusOf(beginning)
  #history: History | null = null
  #hello: Hello | null = null
  #closing: Promise<void> | null = null
  readonly #forgetPage: () => void

  /** @internal use `client.open` */
  constructor(name: string, doc: Y.Doc, means: DocumentMeans) {
    const { clock, retry, sendWindow } = means.settings
    this.name = name
    this.doc = doc
    this.awareness = new Awareness(doc)
    this.#means = means
    this.#waiters = new FlushWaiters(clock)
    this.whenSynced = this.#firstSync.promise
    this.whenSynced.catch(() => {})
    // Before the provider's own listener, which takes the presence away.
    this.#forgetPage = keepPresence(this.awareness)
    // Before the link's own listeners: an edit is counted before anything can be sent that carries it.
    doc.on('update', this.#onUpdate)
    doc.on('destroy', this.#onDocDestroy)
    this.#link = new Link(
      { name, doc, awareness: this.awareness },
      {
        socket: means.socket,
        tokens: means.tokens,
        clock,
        retry,
        sendWindow,
        version: clientVersion,
        history: () => this.#history ?? {},
      },
      this.#linkEvents(),
    )
    const { settings, shelves } = means
    this.#copy = new LocalCopy(
      databaseName(settings.namespace, name),
      doc,
      { ...settings, kind: settings.localStore, shelves },
      this.#copyEvents(),
    )
    // What the app put into its Y.Doc before is an edit like any other.
    if (doc.store.clients.size > 0) this.#onUpdate(Y.encodeStateAsUpdate(doc), null)
    this.whenLoaded = this.#load()
  }

  get document(): Y.Doc {
    return this.doc
  }

  get status(): DocumentStatus {
    return this.#status
  }

  get connectionStatus(): ConnectionStatus {
    return this.#status.status
  }

  get pendingCount(): number {
    return this.#status.pendingCount
  }

  get hasUnsyncedChanges(): boolean {
    return this.#status.pendingCount > 0
  }

  get lastSavedAt(): number | null {
    return this.#status.lastSavedAt
  }

  get synced(): boolean {
    const { handshaken, refused } = this.#situation.positions
    return handshaken || refused
  }

  /** What the token allows here; null until the server has said so. */
  get level(): Level | null {
    return this.#status.level
  }

  on<Name extends keyof DocumentEvents>(event: Name, listener: (payload: DocumentEvents[Name]) => void): () => void {
    return this.#emitter.on(event, listener)
  }

  off<Name extends keyof DocumentEvents>(event: Name, listener: (payload: DocumentEvents[Name]) => void): void {
    this.#emitter.off(event, listener)
  }

  /**
   * Sends now, and resolves when every edit made until now is durable on the server.
   * @throws {TidemarkError} `flush-timeout`, `flush-aborted`, `document-closed`, or what stands in the way of saving
   */
  async flush(options: FlushOptions = {}): Promise<void> {
    if (this.#closing) throw new TidemarkError('document-closed')
    const target = this.#situation.positions.made
    const isDone = () => {
      const { acknowledged, inherited } = this.#situation.positions
      return this.#situation.loaded && inherited === 0 && acknowledged >= target
    }
    if (isDone()) return
    const obstacle = this.#obstacle()
    if (obstacle) throw obstacle
    const saved = this.#waiters.wait(isDone, options)
    this.#link.flush()
    this.#means.socket.retryNow()
    await saved.catch((error: TidemarkError) => {
      throw this.#inTrueWords(error)
    })
  }

  /** Tries now: forgets the waiting time, and what stood in the way. */
  retry(): void {
    this.#link.retry()
  }

  connect(): void {
    if (this.#closing) return
    void this.whenLoaded.then(() => {
      if (!this.#closing) this.#link.start()
    })
  }

  /** Goes offline with this document. Edits are kept; {@link connect} sends them. */
  disconnect(): void {
    void this.whenLoaded.then(() => this.#link.stop())
  }

  /** Lets go of the document. What is on this device stays there, pending edits included. Closing twice is harmless. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  destroy(): Promise<void> {
    return this.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // ——— one edit, in order: stored, counted, sent, told ———

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    if (origin === this.#copy.origin || this.#closing) return
    const isEdit = origin !== this.#link.origin
    const position = isEdit ? this.#situation.positions.made + 1 : null
    this.#copy.keep(update, position)
    if (!isEdit) return
    this.#happened({ type: 'edited' })
    this.#link.edit(update)
    this.#emitter.emit('pending', { pendingCount: this.pendingCount })
  }

  #happened(happening: Happening): void {
    const before = this.#situation
    const wasSynced = this.synced
    this.#situation = after(before, happening)
    if (this.#means.settings.preventUnsavedChanges && !this.#closing) {
      this.#means.guard.set(this, isUnsafeToClose(this.#situation))
    }
    const status = statusOf(this.#situation)
    if (!sameStatus(status, this.#status)) {
      this.#status = status
      this.#emitter.emit('status', status)
    }
    if (hasDrained(before, this.#situation)) {
      this.#emitter.emit('drained', { lastSavedAt: this.#situation.lastSavedAt ?? this.#means.settings.clock.now() })
    }
    if (this.synced !== wasSynced) this.#syncedChanged()
    const obstacle = this.#obstacle()
    if (obstacle) this.#waiters.fail(obstacle)
    this.#waiters.look()
  }

  #syncedChanged(): void {
    if (this.synced) this.#firstSync.resolve()
    this.#emitter.emit('synced', this.synced)
    this.#emitter.emit('sync', this.synced)
  }

  /** What waiting will not heal. */
  #obstacle(): TidemarkError | null {
    const { obstacle } = this.#situation
    return obstacle?.persistent ? this.#inTrueWords(obstacle) : null
  }

  // ——— the local store ———

  #copyEvents(): LocalCopyEvents {
    return {
      stored: (position) => this.#happened({ type: 'stored', position }),
      failed: (error) => {
        this.#report(error)
        const isTransient = error.code === 'local-storage-full' || error.code === 'local-storage-failed'
        if (isTransient) this.#happened({ type: 'store-failed', error })
      },
      recovered: () => this.#happened({ type: 'store-recovered' }),
      lost: (error) => {
        this.#report(error)
        this.#happened({ type: 'store-lost', error })
      },
    }
  }

  async #load(): Promise<void> {
    const { localStore, inherited, history } = await this.#copy.load()
    if (this.#closing) return
    this.#history = history
    this.#happened({ type: 'loaded', localStore, inherited })
    if (inherited > 0) this.#emitter.emit('pending', { pendingCount: this.pendingCount })
    // Only now: stored content that comes while a session runs would be sent as if it were new.
    this.#link.start()
  }

  // ——— the link ———

  #linkEvents(): LinkEvents {
    const { clock } = this.#means.settings
    return {
      connectionChanged: (connection) => this.#happened({ type: 'connection', connection }),
      connectionFailed: (error) => {
        this.#happened({ type: 'connection-failed', error })
        // logged by the client, once for all documents
        this.#tell(error)
      },
      sessionBegan: () => this.#happened({ type: 'session-began' }),
      sessionEnded: () => this.#happened({ type: 'session-ended' }),
      sent: () => this.#happened({ type: 'sent' }),
      acknowledged: () => this.#acknowledged(clock.now()),
      refused: (error) => this.#happened({ type: 'refused', error }),
      hello: (hello) => {
        this.#hello = hello
        // Before any content of this history is stored, so that the copy is never without its epoch (R9).
        this.#remember({ epoch: hello.epoch, revision: this.#history?.revision ?? 0 })
        this.#happened({ type: 'permitted', level: hello.level })
      },
      obstructed: (error) => this.#happened({ type: 'obstructed', error }),
      unobstructed: () => this.#happened({ type: 'unobstructed' }),
      failed: (error, attempt) => this.#report(error, attempt),
      healing: (error) => this.#log(error, { isHealing: true }),
    }
  }

  #acknowledged(at: number): void {
    const { handshaken } = this.#situation.positions
    this.#happened({ type: 'acknowledged', at })
    const { positions } = this.#situation
    if (positions.refused) return
    this.#copy.acknowledge(positions.acknowledged)
    if (!handshaken && this.#hello) this.#remember({ epoch: this.#hello.epoch, revision: this.#hello.revision })
  }

  #remember(history: History): void {
    this.#history = history
    this.#copy.remember(history)
  }

  // ——— failures ———

  #report(error: TidemarkError, attempt = 1): void {
    this.#log(error, { attempt })
    this.#tell(error)
  }

  #log(error: TidemarkError, how: { readonly attempt?: number; readonly isHealing?: boolean }): void {
    this.#means.settings.log(
      logEntry(this.#inTrueWords(error), { document: this.name, session: this.#link.sessionId, ...how }),
    )
  }

  #tell(error: TidemarkError): void {
    this.#emitter.emit('error', { error: this.#inTrueWords(error), code: error.code, persistent: error.persistent })
  }

  #inTrueWords(error: TidemarkError): TidemarkError {
    return inTrueWords(error, keepsEdits(this.#situation))
  }

  // ——— the end ———

  readonly #onDocDestroy = (): void => {
    void this.close()
  }

  async #close(): Promise<void> {
    this.doc.off('update', this.#onUpdate)
    this.doc.off('destroy', this.#onDocDestroy)
    this.#forgetPage()
    this.#link.close()
    this.#waiters.fail(new TidemarkError('document-closed'))
    this.#firstSync.reject(new TidemarkError('document-closed'))
    await this.whenLoaded
    await this.#copy.close()
    this.#means.guard.set(this, false)
    this.#means.onClosed(this)
    this.#emitter.emit('destroy', undefined)
    this.#emitter.clear()
  }

  /** @internal what signing out asks at the last moment */
  get unsaved(): number {
    return pendingCount(this.#situation.positions)
  }
}
