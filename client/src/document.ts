import { Emitter, reportLater, TidemarkError, uniqueName } from '@tidemark/shared'
import { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import type { DocumentEvents, DocumentMeans } from './document-contract.ts'
import { Failures } from './failures.ts'
import type { FlushOptions } from './flush.ts'
import { assertDuration } from './options.ts'
import { keepPresence } from './page-presence.ts'
import { contain } from './replica/contain.ts'
import { Health } from './replica/health.ts'
import { isIdle, listeningTo } from './replica/internals.ts'
import { Standing } from './standing.ts'
import { countsOf, type FailedSync, failedOf, type PendingStatus } from './status/counts.ts'
import { pendingCount } from './status/positions.ts'
import type { ConnectionStatus, DocumentStatus, Level } from './status/status.ts'
import { Sync } from './sync/sync.ts'

export interface CloseResult {
  /** How many edits are kept neither on this device nor on the server, but only in this page. */
  readonly unkept: number
}

/**
 * An opened document: a `Y.Doc` that is kept on this device, shared with the browser's other tabs, synced with the
 * server, and knows when it is saved. It has the shape that editor bindings expect of a Yjs provider.
 * Made by `client.open`.
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
  readonly #emitter = new Emitter<DocumentEvents>((cause, event) => {
    // who hears of errors and fails cannot be told of that as an error
    if (event === 'error') reportLater(cause)
    else this.#failures.appFailed(cause)
  })
  readonly #standing: Standing
  readonly #failures: Failures
  readonly #sync: Sync
  #closing: Promise<CloseResult> | null = null
  #isLetGo = false
  #isSetAside = false
  readonly #health: Health
  readonly #releases: readonly (() => void)[]

  /** @internal use `client.open` */
  constructor(name: string, doc: Y.Doc, means: DocumentMeans) {
    const { clock, attemptsBeforeFailed, longOffline, preventUnsavedChanges, log } = means.settings
    this.name = name
    this.doc = doc
    const [awareness, forgetDoc] = listeningTo(doc, 'destroy', () => new Awareness(doc))
    this.awareness = awareness
    this.#means = means
    const opening = uniqueName(clock)
    const standing = new Standing({
      opening,
      clock,
      tries: attemptsBeforeFailed,
      longOffline,
      emitter: this.#emitter,
      guardPage: (isUnsafe) => {
        if (preventUnsavedChanges && !this.#isLetGo)
          means.guard.set(this, isUnsafe || (this.#sync?.isUndecided ?? false))
      },
      onChange: () => this.#sync?.standingChanged(),
    })
    this.#standing = standing
    this.whenSynced = standing.whenSynced
    this.#failures = new Failures({
      ...{ name, log, standing },
      emitter: this.#emitter,
      sessionId: () => this.#sync.sessionId,
    })
    const appFailed = (cause: unknown) => this.#failures.appFailed(cause)
    this.#releases = [
      contain(doc, appFailed),
      contain(this.awareness, appFailed),
      // Before the provider's own listener, which takes the presence away.
      keepPresence(this.awareness),
      forgetDoc,
    ]
    this.#sync = new Sync(
      { name, doc, awareness: this.awareness, opening },
      means,
      { standing, failures: this.#failures },
      {
        setAside: (error) => {
          this.#isSetAside = true
          this.#emitter.emit('set-aside', { error })
        },
      },
    )
    this.#health = new Health(doc, () => this.#broke())
    doc.on('destroy', this.#onDocDestroy)
    // until it is known what of the app's own content is stored
    if (this.#sync.isUndecided && preventUnsavedChanges) means.guard.set(this, true)
    this.whenLoaded = this.#sync.load()
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

  /** How many edits are not acknowledged, by what becomes of them. */
  getStatus(): PendingStatus {
    return countsOf(this.#standing.situation)
  }

  /**
   * What is not saved and why, for a person to review: one entry for each cause, none while all goes well. The edits
   * stay whatever happens; {@link retry} tries again, {@link setAside} begins anew without them.
   */
  get failed(): readonly FailedSync[] {
    return failedOf(this.#standing.situation)
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

  /** Whether this tab's socket carries the document; the browser's other tabs go through it. */
  get isLeader(): boolean {
    return this.#sync.isLeader
  }

  /** Its copy was set aside: `client.open` gives the document anew, and this one is only what it was. */
  get isSetAside(): boolean {
    return this.#isSetAside
  }

  /** Its `Y.Doc` is broken: `client.open` gives the document anew. */
  get isBroken(): boolean {
    return this.#health.isBroken
  }

  /** It was closed, or is being closed: what is written from now on is kept nowhere. */
  get isClosed(): boolean {
    return this.#closing !== null
  }

  on<Name extends keyof DocumentEvents>(event: Name, listener: (payload: DocumentEvents[Name]) => void): () => void {
    return this.#emitter.on(event, listener)
  }

  off<Name extends keyof DocumentEvents>(event: Name, listener: (payload: DocumentEvents[Name]) => void): void {
    this.#emitter.off(event, listener)
  }

  /**
   * Sends now, and resolves when every edit made until now is durable on the server.
   * @throws {TidemarkError} `flush-timeout`, `flush-aborted`, `document-closed`, `configuration-invalid`, or what stands in the way of saving
   */
  async flush(options: FlushOptions = {}): Promise<void> {
    if (this.#closing) throw new TidemarkError('document-closed')
    if (options.timeout !== undefined) assertDuration('timeout', options.timeout)
    const saved = this.#standing.whenSaved(options)
    if (!saved) return
    this.#sync.flush()
    await saved
  }

  /** Tries now: forgets the waiting time, and what stood in the way. */
  retry(): void {
    this.#sync.retry()
  }

  /** Resolves when what other tabs of this browser have written is here, as far as they answer. */
  whenTabsAgree(): Promise<void> {
    return this.#sync.whenTabsAgree()
  }

  connect(): void {
    void this.whenLoaded.then(() => this.#sync.connect())
  }

  /** Goes offline with this document, in this tab. Edits are kept; {@link connect} sends them. */
  disconnect(): void {
    void this.whenLoaded.then(() => this.#sync.disconnect())
  }

  /**
   * Begins anew from what the server has. The copy on this device, with the edits that are pending in it, is set aside;
   * nothing of it is lost, and nothing of it is sent. Open the document again afterwards.
   * @throws {TidemarkError} `document-closed`, `local-storage-unavailable`, `local-storage-full`,
   *   `local-storage-failed`: it was not set aside
   */
  async setAside(): Promise<void> {
    await this.whenLoaded
    if (this.#closing) throw new TidemarkError('document-closed')
    await this.#sync.setAside('discarded')
  }

  /**
   * Lets go of the document. What is on this device stays there, pending edits included. Edits that could be kept
   * neither here nor on the server stay in the page, which goes on trying, asks before it is closed, and hands them to
   * the next opening (R3.5); an `error`, `edits-unkept`, says so. Never rejects. Closing twice is harmless.
   */
  close(): Promise<CloseResult> {
    if (!this.#closing) {
      // A listener may hear of it while it happens, and find it closed.
      const { promise, resolve } = Promise.withResolvers<CloseResult>()
      this.#closing = promise
      this.#sync.ending(promise)
      resolve(this.#close())
    }
    return this.#closing
  }

  destroy(): Promise<CloseResult> {
    return this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  readonly #onDocDestroy = (): void => {
    void this.close()
  }

  async #close(): Promise<CloseResult> {
    this.doc.off('destroy', this.#onDocDestroy)
    this.#means.onClosing(this)
    // closed by an observer: what the transaction that is under way has changed is not told yet
    if (!this.isBroken && !isIdle(this.doc)) await null
    this.#health.lookNow()
    if (this.#health.takeChange()) this.#sync.rescue()
    this.#health.stop()
    for (const release of this.#releases) release()
    this.#sync.close()
    this.#standing.close()
    await this.whenLoaded
    const unkept = await this.#sync.closeCopy()
    this.#isLetGo = true
    this.#means.guard.set(this, false)
    if (unkept > 0) this.#failures.report(new TidemarkError('edits-unkept'))
    this.#means.onClosed(this)
    this.#emitter.emit('destroy', undefined)
    this.#emitter.clear()
    return { unkept }
  }

  #broke(): void {
    const cause = new Error('what Yjs does at the end of a transaction was cut short by an error')
    const error = new TidemarkError('document-broken', undefined, { cause })
    this.#sync.broke(error)
    this.#failures.report(error)
    this.#emitter.emit('broken', { error })
  }

  /** @internal tells and logs what a face over this document has refused */
  report(error: TidemarkError): void {
    this.#failures.report(error)
  }

  /** @internal what signing out asks at the last moment */
  get unsaved(): number {
    return pendingCount(this.#standing.situation.positions)
  }
}
