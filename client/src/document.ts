import { Emitter, TidemarkError } from '@tidemark/shared'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { DocumentEvents, DocumentMeans } from './document-contract.ts'
import { Failures } from './failures.ts'
import type { FlushOptions } from './flush.ts'
import type { Hello, LinkEvents } from './link/contract.ts'
import { Link } from './link/link.ts'
import { keepPresence } from './page-presence.ts'
import { Standing } from './standing.ts'
import { pendingCount } from './status/positions.ts'
import type { ConnectionStatus, DocumentStatus, Level } from './status/status.ts'
import { LocalCopy, type LocalCopyEvents } from './store/local-copy.ts'
import type { History } from './store/local-store.ts'
import { databaseName } from './store/open-store.ts'
import { clientVersion } from './version.ts'

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
  readonly #standing: Standing
  readonly #failures: Failures
  readonly #copy: LocalCopy
  #history: History | null = null
  #hello: Hello | null = null
  #closing: Promise<void> | null = null
  readonly #forgetPage: () => void

  /** @internal use `client.open` */
  constructor(name: string, doc: Y.Doc, means: DocumentMeans) {
    const { clock, retry, sendWindow, preventUnsavedChanges } = means.settings
    this.name = name
    this.doc = doc
    this.awareness = new Awareness(doc)
    this.#means = means
    this.#standing = new Standing({
      clock,
      emitter: this.#emitter,
      guardPage: (isUnsafe) => {
        if (preventUnsavedChanges && !this.#closing) means.guard.set(this, isUnsafe)
      },
    })
    this.whenSynced = this.#standing.whenSynced
    this.#failures = new Failures({
      name,
      log: means.settings.log,
      emitter: this.#emitter,
      standing: this.#standing,
      sessionId: () => this.#link.sessionId,
    })
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
    return this.#standing.status
  }

  get connectionStatus(): ConnectionStatus {
    return this.status.status
  }

  get pendingCount(): number {
    return this.status.pendingCount
  }

  get hasUnsyncedChanges(): boolean {
    return this.status.pendingCount > 0
  }

  get lastSavedAt(): number | null {
    return this.status.lastSavedAt
  }

  get synced(): boolean {
    return this.#standing.isSynced
  }

  /** What the token allows here; null until the server has said so. */
  get level(): Level | null {
    return this.status.level
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
    const saved = this.#standing.whenSaved(options)
    if (!saved) return
    this.#link.flush()
    this.#means.socket.retryNow()
    await saved
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
    const position = isEdit ? this.#standing.situation.positions.made + 1 : null
    this.#copy.keep(update, position)
    if (!isEdit) return
    this.#standing.happened({ type: 'edited' })
    this.#link.edit(update)
    this.#emitter.emit('pending', { pendingCount: this.pendingCount })
  }

  // ——— the local store ———

  #copyEvents(): LocalCopyEvents {
    return {
      stored: (position) => this.#standing.happened({ type: 'stored', position }),
      failed: (error) => {
        this.#failures.report(error)
        const isTransient = error.code === 'local-storage-full' || error.code === 'local-storage-failed'
        if (isTransient) this.#standing.happened({ type: 'store-failed', error })
      },
      recovered: () => this.#standing.happened({ type: 'store-recovered' }),
      lost: (error) => {
        this.#failures.report(error)
        this.#standing.happened({ type: 'store-lost', error })
      },
    }
  }

  async #load(): Promise<void> {
    const { localStore, inherited, history } = await this.#copy.load()
    if (this.#closing) return
    this.#history = history
    this.#standing.happened({ type: 'loaded', localStore, inherited })
    if (inherited > 0) this.#emitter.emit('pending', { pendingCount: this.pendingCount })
    // Only now: stored content that comes while a session runs would be sent as if it were new.
    this.#link.start()
  }

  // ——— the link ———

  #linkEvents(): LinkEvents {
    const { clock } = this.#means.settings
    return {
      connectionChanged: (connection) => this.#standing.happened({ type: 'connection', connection }),
      connectionFailed: (error) => {
        this.#standing.happened({ type: 'connection-failed', error })
        // logged by the client, once for all documents
        this.#failures.tell(error)
      },
      sessionBegan: () => this.#standing.happened({ type: 'session-began' }),
      sessionEnded: () => this.#standing.happened({ type: 'session-ended' }),
      sent: () => this.#standing.happened({ type: 'sent' }),
      acknowledged: () => this.#acknowledged(clock.now()),
      refused: (error) => this.#standing.happened({ type: 'refused', error }),
      hello: (hello) => {
        this.#hello = hello
        // Before any content of this history is stored, so that the copy is never without its epoch (R9).
        this.#remember({ epoch: hello.epoch, revision: this.#history?.revision ?? 0 })
        this.#standing.happened({ type: 'permitted', level: hello.level })
      },
      obstructed: (error) => this.#standing.happened({ type: 'obstructed', error }),
      unobstructed: () => this.#standing.happened({ type: 'unobstructed' }),
      failed: (error, attempt) => this.#failures.report(error, attempt),
      healing: (error) => this.#failures.heal(error),
    }
  }

  #acknowledged(at: number): void {
    const { handshaken } = this.#standing.situation.positions
    this.#standing.happened({ type: 'acknowledged', at })
    const { positions } = this.#standing.situation
    if (positions.refused) return
    this.#copy.acknowledge(positions.acknowledged)
    if (!handshaken && this.#hello) this.#remember({ epoch: this.#hello.epoch, revision: this.#hello.revision })
  }

  #remember(history: History): void {
    this.#history = history
    this.#copy.remember(history)
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
    this.#standing.close()
    await this.whenLoaded
    await this.#copy.close()
    this.#means.guard.set(this, false)
    this.#means.onClosed(this)
    this.#emitter.emit('destroy', undefined)
    this.#emitter.clear()
  }

  /** @internal what signing out asks at the last moment */
  get unsaved(): number {
    return pendingCount(this.#standing.situation.positions)
  }
}
