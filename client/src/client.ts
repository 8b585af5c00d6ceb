import { Emitter, parseDocumentName, TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { Account } from './account/account.ts'
import { sharedNamespace } from './account/names.ts'
import { TokenSource } from './auth/token-source.ts'
import { Backlog } from './catch-up/backlog.ts'
import type { Priority } from './catch-up/batches.ts'
import type { CatchUpOptions, CatchUpResult } from './catch-up/catch-up.ts'
import { TidemarkDocument } from './document.ts'
import type { DocumentMeans } from './document-contract.ts'
import type { FlushOptions } from './flush.ts'
import { CloseGuard } from './guard.ts'
import { Socket } from './link/socket.ts'
import { logEntry } from './log.ts'
import { type ClientOptions, type Settings, settle } from './options.ts'
import { isKnownBroken } from './replica/health.ts'
import { type SignOutOptions, type SignOutResult, signOut } from './sign-out.ts'
import { noneCounted, type PendingStatus, sum } from './status/counts.ts'
import type { ConnectionStatus } from './status/status.ts'
import { inTrueWords } from './status/wording.ts'
import { homeOf } from './store/home.ts'
import { IndexeddbStores } from './store/indexeddb-stores.ts'
import { LocalCopies } from './store/local-copies.ts'
import type { LocalStores, SetAsideCopy } from './store/local-store.ts'
import { MemoryStores } from './store/memory-stores.ts'
import { sayFarewell } from './tabs/farewell.ts'
import { assertOwnDoc, findSecondYjs } from './yjs-copies.ts'

export interface ClientEvents {
  /** A failure of the connection that all documents share, or of the client itself. */
  error: { readonly error: TidemarkError; readonly code: TidemarkError['code']; readonly persistent: boolean }
  connection: ConnectionStatus
  /** A document was opened that was not open. */
  opened: TidemarkDocument
}

/** One account's documents, on one socket. Made by {@link createClient}. */
export class TidemarkClient implements AsyncDisposable {
  readonly #settings: Settings
  readonly #emitter = new Emitter<ClientEvents>()
  readonly #documents = new Map<string, TidemarkDocument>()
  readonly #formerly = new Set<TidemarkDocument>()
  readonly #backlog: Backlog
  readonly #account: Account
  readonly #copies: LocalCopies
  readonly #socket: Socket
  readonly #means: DocumentMeans
  #isClosed = false

  /** @internal use {@link createClient} */
  constructor(options: ClientOptions) {
    const settings = settle(options)
    const tokens = new TokenSource(settings.auth, settings.clock)
    this.#settings = settings
    // without tokens there are no accounts
    const namespace = options.namespace ?? (options.auth ? null : sharedNamespace)
    const shared = localStoresOf({ ...settings, namespace: namespace ?? sharedNamespace })
    const storesIn = (name: string) =>
      name === (namespace ?? sharedNamespace) ? shared : localStoresOf({ ...settings, namespace: name })
    const account = new Account({
      ...{ namespace, url: settings.url, tokens, clock: settings.clock, notes: settings.accountNotes },
    })
    this.#account = account
    const { belongings } = account
    const findHome = async () => homeOf(await account.decide(), storesIn)
    this.#copies = new LocalCopies(belongings && homeOf(belongings, storesIn), findHome, {
      clock: settings.clock,
      limit: settings.openTimeLimit,
      page: settings.tabs.page,
      asks: settings.preventUnsavedChanges,
      onStoredLate: (copy) => sayFarewell(settings.tabs, { server: settings.url, copy }, 'stored'),
    })
    this.#socket = new Socket({
      ...settings,
      onFailure: (error, attempt) => this.#report(error, attempt),
      onHealing: (error, attempt) => this.#log(error, { attempt, isHealing: true }),
      onStatus: (status) => {
        this.#emitter.emit('connection', status)
        if (status === 'connected') this.#backlog.connected()
      },
      onTokenRefused: () => tokens.discard(),
    })
    this.#means = {
      settings,
      socket: this.#socket,
      ...{ tokens, account },
      guard: new CloseGuard(),
      copies: this.#copies,
      onClosing: (document) => {
        this.#formerly.add(document)
        if (this.#documents.get(document.name) === document) this.#documents.delete(document.name)
        this.#backlog.closing(document)
      },
      onClosed: (document) => this.#formerly.delete(document),
    }
    this.#backlog = new Backlog({
      settings,
      copies: this.#copies,
      documents: () => this.documents,
      open: (name) => this.open(name),
    })
    const secondYjs = findSecondYjs()
    if (secondYjs) queueMicrotask(() => this.#report(secondYjs))
  }

  /** The documents that are open. */
  get documents(): readonly TidemarkDocument[] {
    return [...this.#documents.values()]
  }

  get connectionStatus(): ConnectionStatus {
    return this.#socket.status
  }

  on<Name extends keyof ClientEvents>(event: Name, listener: (payload: ClientEvents[Name]) => void): () => void {
    return this.#emitter.on(event, listener)
  }

  off<Name extends keyof ClientEvents>(event: Name, listener: (payload: ClientEvents[Name]) => void): void {
    this.#emitter.off(event, listener)
  }

  /**
   * Opens a document; one that is open already is given again.
   * @param options.doc an unmodified `Y.Doc` of the app's; what it holds counts as an edit
   * @param options.priority orders catching up: 0 critical, 1 high, 2 normal
   * @throws {TidemarkError} `document-name-invalid`, `document-closed` after {@link close}, `configuration-invalid`
   *   when the `Y.Doc` is broken or of another copy of yjs, or the document is open with another one
   */
  open(name: string, options: { readonly doc?: Y.Doc; readonly priority?: Priority } = {}): TidemarkDocument {
    parseDocumentName(name)
    if (this.#isClosed) throw new TidemarkError('document-closed', 'This client was closed.')
    if (options.doc) assertOwnDoc(options.doc)
    if (options.doc && isKnownBroken(options.doc)) {
      throw new TidemarkError('configuration-invalid', 'This Y.Doc is broken. Open the document with a new one.')
    }
    const wasBorrowed = this.#backlog.wanted(name, options.priority)
    const open = this.#documents.get(name)
    // One whose copy was set aside stays open for those who hold it, and is no longer the document of this name.
    if (open?.isSetAside) this.#formerly.add(open)
    // What it still keeps is kept before the new one is loaded.
    else if (open?.isBroken) void open.close()
    else if (open && (!options.doc || options.doc === open.doc)) return open
    // Only catching up had it open, and goes on with this one.
    else if (open && wasBorrowed) void open.close()
    else if (open) {
      throw new TidemarkError('configuration-invalid', 'This document is open already, with another Y.Doc.')
    }
    const document = new TidemarkDocument(name, options.doc ?? new Y.Doc(), this.#means)
    this.#documents.set(name, document)
    this.#emitter.emit('opened', document)
    return document
  }

  /**
   * Resolves when every edit made until now, in all open documents, is durable on the server.
   * @throws {TidemarkError} as {@link TidemarkDocument.flush}, of the first document that could not
   */
  async flush(options: FlushOptions = {}): Promise<void> {
    await Promise.all(this.documents.map((document) => document.flush(options)))
  }

  /**
   * Saves what is pending in documents that are open and in those that are not, the most urgent first, more at a time
   * the better it goes. One that fails holds up no other. Never rejects for a document that fails.
   * @throws {TidemarkError} `local-storage-failed`: the browser does not say which documents are on this device
   */
  catchUp(options: CatchUpOptions = {}): Promise<CatchUpResult[]> {
    return this.#backlog.catchUp(options)
  }

  /** How many edits of all open documents are not acknowledged, by what becomes of them. */
  getStatus(): PendingStatus {
    return this.documents.map((document) => document.getStatus()).reduce(sum, noneCounted)
  }

  /** Saves what is pending, says what is left, closes everything, and deletes local data if that loses nothing. */
  signOut(options: SignOutOptions = {}): Promise<SignOutResult> {
    return signOut(
      {
        documents: () => this.documents,
        catchUp: (names, timeLeft) => this.#backlog.run(names, { timeLeft }),
        close: () => this.close(),
        copies: this.#copies,
        account: this.#account,
        clock: this.#settings.clock,
        onFailure: (error) => this.#report(error),
      },
      options,
    )
  }

  /**
   * The copies that were set aside on this device, because the server's history is another one, or by the person.
   * @throws {TidemarkError} `local-storage-failed`
   */
  setAsideCopies(): Promise<readonly SetAsideCopy[]> {
    return this.#copies.setAsideCopies()
  }

  /**
   * What a set-aside copy holds, in a `Y.Doc` of its own: to compare, to copy from, to merge with `Y.applyUpdate`.
   * @throws {TidemarkError} `not-found`, `local-storage-key-wrong`, `local-storage-failed`
   */
  readSetAside(id: string): Promise<Y.Doc> {
    return this.#copies.readSetAside(id)
  }

  /**
   * Deletes a set-aside copy from this device. There is no way back.
   * @throws {TidemarkError} `not-found`, `local-storage-failed`, `local-storage-full`
   */
  dropSetAside(id: string): Promise<void> {
    return this.#copies.dropSetAside(id)
  }

  /** Closes all documents and the socket. Local data stays. Closing twice is harmless. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#backlog.close()
    await Promise.all([...this.documents, ...this.#formerly].map((document) => document.close()))
    this.#socket.close()
    await this.#copies.close()
    this.#emitter.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #report(failure: TidemarkError, attempt = 1): void {
    const isKept = this.documents.every(({ status }) => status.localStore.kind !== 'memory')
    const error = inTrueWords(failure, isKept)
    this.#log(error, { attempt })
    this.#emitter.emit('error', { error, code: error.code, persistent: error.persistent })
  }

  #log(error: TidemarkError, how: { readonly attempt: number; readonly isHealing?: boolean }): void {
    this.#settings.log(logEntry(error, { document: [...this.#documents.keys()].join(', '), ...how }))
  }
}

function localStoresOf(settings: Settings): LocalStores {
  if (settings.localStores) return settings.localStores(settings)
  return settings.localStore === 'memory' ? new MemoryStores(settings.namespace) : new IndexeddbStores(settings)
}

/**
 * Makes a client for one server and one account. It connects when the first document is opened.
 * @throws {TidemarkError} `configuration-invalid`
 */
export function createClient(options: ClientOptions): TidemarkClient {
  return new TidemarkClient(options)
}
