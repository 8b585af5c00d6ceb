import type { Document } from '@hocuspocus/server'
import { type Extension, Hocuspocus, type HookName } from '@hocuspocus/server'
import { LoadingFailed, RowQuarantined } from './load.ts'
import type { Refusal } from './refusal.ts'

type CreateDocument = Parameters<Hocuspocus['createDocument']>
type LoadDocument = Parameters<Hocuspocus['loadDocument']>

export interface Loading {
  /** A row was put aside; the document is loaded again without it. */
  quarantined(documentName: string, error: RowQuarantined): void
  /** It has been loaded, and nobody has it yet. */
  loaded(document: Document): void
  /** Somebody is handed a document: who may write makes its row. */
  come(documentName: string, mayWrite: boolean): Promise<void>
  /** The document cannot be loaded now: what its client is told. */
  refuse(documentName: string, cause: unknown): Refusal
}

/**
 * Hocuspocus with three doors closed through which a document could be lost or stay shut:
 * a client arriving while its document is being unloaded, a stored row that does not decode, and
 * (for speed) promise chains run for hooks that nobody listens to.
 */
export class TidemarkHocuspocus extends Hocuspocus {
  /** Documents handed to a client whose connection object does not exist yet. */
  readonly #reserved = new Map<string, number>()
  readonly #loading: Loading
  #used: Set<HookName> | null = null

  constructor(configuration: ConstructorParameters<typeof Hocuspocus>[0], loading: Loading) {
    super(configuration)
    this.#loading = loading
  }

  // A field, not a method: the base constructor already calls hooks, when this class's fields do not exist yet.
  override hooks: Hocuspocus['hooks'] = (name, payload, callback = null) => {
    this.#used ??= usedHooks(this.configuration.extensions)
    return this.#used.has(name) ? super.hooks(name, payload, callback) : nothing
  }

  /** Hocuspocus would hand out a document that is just leaving memory; edits made to it would go nowhere (R1.6). */
  override async createDocument(...[name, request, socketId, connection, context]: CreateDocument): Promise<Document> {
    this.#reserve(name, 1)
    try {
      for (let leaving = this.unloadingDocuments.get(name); leaving; leaving = this.unloadingDocuments.get(name)) {
        await leaving.catch(() => {})
        // unloadDocument forgets its promise a few microtasks after it settles
        await new Promise(setImmediate)
      }
      const document = await super.createDocument(name, request, socketId, connection, context)
      try {
        await this.#loading.come(name, !connection.readOnly)
      } catch (error) {
        throw this.#loading.refuse(name, error)
      }
      return document
    } finally {
      // the caller makes the connection in the microtasks after this one
      setImmediate(() => this.#reserve(name, -1))
    }
  }

  #reserve(name: string, change: 1 | -1): void {
    const count = (this.#reserved.get(name) ?? 0) + change
    if (count > 0) {
      this.#reserved.set(name, count)
      return
    }
    this.#reserved.delete(name)
    const document = this.documents.get(name)
    if (document && document.getConnectionsCount() === 0) void this.unloadDocument(document)
  }

  override shouldUnloadDocument(document: Document): boolean {
    return !this.#reserved.has(document.name) && super.shouldUnloadDocument(document)
  }

  /** Hocuspocus unloads by name: a late timer of a document that was discarded would take its successor along. */
  override async unloadDocument(document: Document): Promise<unknown> {
    if (this.documents.get(document.name) !== document) {
      // One whose loading failed: Hocuspocus hands it in and forgets it, with the timer of its awareness running.
      if (document.isLoading) document.destroy()
      return
    }
    return await super.unloadDocument(document)
  }

  /** Throws a document out of memory whatever is queued of it; its sessions have been told why. */
  async discard(document: Document): Promise<void> {
    if (this.documents.get(document.name) !== document) return
    this.documents.delete(document.name)
    document.destroy()
    await this.hooks('afterUnloadDocument', { instance: this, documentName: document.name })
  }

  override async loadDocument(...parameters: LoadDocument): Promise<Document> {
    for (;;) {
      try {
        const document = await super.loadDocument(...parameters)
        this.#loading.loaded(document)
        return document
      } catch (error) {
        if (!(error instanceof RowQuarantined)) {
          throw this.#loading.refuse(parameters[0], error instanceof LoadingFailed ? error.cause : error)
        }
        this.#loading.quarantined(parameters[0], error)
      }
    }
  }
}

const nothing = Promise.resolve()

function usedHooks(extensions: Extension[]): Set<HookName> {
  const names = new Set<HookName>()
  for (const extension of extensions) {
    for (const [name, value] of Object.entries(extension)) {
      if (typeof value === 'function') names.add(name as HookName)
    }
  }
  return names
}

// Hocuspocus fills every hook in with a function that does nothing, and then awaits it for each message.
export const withoutDefaultHooks = Object.fromEntries(
  [
    'onConnect',
    'beforeHandleMessage',
    'afterHandleMessage',
    'beforeHandleAwareness',
    'beforeBroadcastStateless',
    'beforeSync',
    'onChange',
    'onCreateDocument',
    'afterStoreDocument',
    'onAwarenessUpdate',
    'onDisconnect',
    'onStateless',
    'onStoreDocument',
    'onLoadDocument',
    'connected',
  ].map((name) => [name, undefined]),
)
