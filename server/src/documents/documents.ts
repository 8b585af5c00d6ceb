import type { Extension, Hocuspocus, onLoadDocumentPayload, onStoreDocumentPayload } from '@hocuspocus/server'
import { isTransactionOrigin } from '@hocuspocus/server'
import { Emitter } from '@tidemark/shared'
import * as Y from 'yjs'
import type { Database } from '../database/database.ts'
import type { Journal } from '../journal/journal.ts'
import { JournalLine } from '../journal/line.ts'
import type { ConnectionContext } from '../sockets/context.ts'
import { load, loadOrigin, quietly } from './load.ts'
import { heldBackOf, isSnapshotDue, type OpenDocument } from './open-document.ts'
import { tiePresenceToSessions } from './presence.ts'
import { DocumentSize } from './size.ts'
import { findEpoch, saveSnapshot } from './store.ts'
import { readTail } from './stored-rows.ts'
import { Unstorable } from './unstorable.ts'

export interface DocumentsEvents {
  /** All that was queued of this document is committed: it may now leave memory. */
  settled: OpenDocument
  snapshot: { documentName: string; revision: number; bytes: number }
  catchUpFailed: { documentName: string; cause: unknown }
  snapshotFailed: { documentName: string; cause: unknown }
}

/** The documents in this process's memory: loaded, journaled from their own update event, snapshotted, let go. */
export class Documents {
  readonly events: Emitter<DocumentsEvents>
  readonly unstorable = new Unstorable()
  readonly #open = new Map<string, OpenDocument>()
  readonly #byLine = new Map<JournalLine, OpenDocument>()
  readonly #database: Database
  readonly #journal: Journal

  constructor(database: Database, journal: Journal, onListenerError: (error: unknown) => void) {
    this.#database = database
    this.#journal = journal
    this.events = new Emitter(onListenerError)
    journal.events.on('committed', ({ lines }) => {
      for (const line of lines) {
        const open = this.#byLine.get(line)
        if (!open) continue
        if (line.covered < line.revision) void this.#catchUp(open)
        if (line.isDurable) this.events.emit('settled', open)
      }
    })
  }

  get(name: string): OpenDocument | undefined {
    return this.#open.get(name)
  }

  all(): IterableIterator<OpenDocument> {
    return this.#open.values()
  }

  get count(): number {
    return this.#open.size
  }

  /** The epoch of the stored history; null when nothing is stored under this name (R9.1). */
  async epochOf(name: string): Promise<string | null> {
    return this.#open.get(name)?.line.epoch ?? (await findEpoch(this.#database, name))
  }

  /** What Hocuspocus asks of us for each document. */
  readonly extension: Extension<ConnectionContext> = {
    extensionName: 'tidemark-documents',
    onLoadDocument: (payload) => this.#load(payload).catch(quietly),
    onStoreDocument: (payload) => this.#store(payload),
    afterLoadDocument: async ({ instance, document, documentName }) => {
      const open = this.#open.get(documentName)
      if (open) scheduleSnapshots(instance, open)
      // Hocuspocus's own listener builds payloads and moves a timer for each update; `append` asks first whether it is time.
      document.onUpdate(() => {
        document.lastChangeTime = Date.now()
      })
    },
    beforeUnloadDocument: async ({ documentName }) => {
      const open = this.#open.get(documentName)
      // an empty message: Hocuspocus would print it; `settled` brings the next try
      if (open && !open.line.isDurable && open.line.failure === null) throw new Error('')
    },
    afterUnloadDocument: async ({ documentName }) => this.#forget(documentName),
  }

  async #load({ instance, document, documentName }: onLoadDocumentPayload): Promise<void> {
    const { stored, tail, missing } = await load(this.#database, documentName, document)
    const line = new JournalLine({ id: stored.id, name: documentName, epoch: stored.epoch, revision: stored.head })
    const snapshot = { size: stored.snapshot?.size ?? 0, tail }
    const size = new DocumentSize(document, snapshot.size + tail.bytes)
    const counted = () => scheduleSnapshots(instance, open)
    const open: OpenDocument = { document, line, snapshot, heldBack: heldBackOf(document), counted, missing, size }
    // Synchronous with the apply: Hocuspocus's own onChange runs in a promise chain, after the ack was written (R1).
    document.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== loadOrigin) this.append(open, update, authorOf(origin))
    })
    tiePresenceToSessions(document)
    this.#open.set(documentName, open)
    this.#byLine.set(line, open)
  }

  readonly #catchingUp = new Set<OpenDocument>()
  /**
   * Reads what another process has written to the same document: its revisions lie between ours (R7.2). The updates go to
   * this process's clients like any other, and not into the journal, where they are already.
   */
  async #catchUp(open: OpenDocument): Promise<void> {
    if (this.#catchingUp.has(open)) return
    this.#catchingUp.add(open)
    const { line, document } = open
    try {
      while (line.covered < line.revision && !document.isDestroyed) {
        const target = line.revision
        const missing = await readTail(this.#database, line.documentId, line.covered)
        for (const { bytes } of missing) Y.applyUpdate(document, bytes, loadOrigin)
        line.covered = Math.max(line.covered, target, missing.at(-1)?.revision ?? 0)
        line.revision = Math.max(line.revision, line.covered)
      }
    } catch (cause) {
      // the next commit tries again; until then no snapshot claims what is missing here
      this.events.emit('catchUpFailed', { documentName: document.name, cause })
    } finally {
      this.#catchingUp.delete(open)
    }
  }

  append(open: OpenDocument, update: Uint8Array, author: string | null): void {
    this.#journal.append(open.line, update, author)
    open.snapshot.tail.rows += 1
    open.snapshot.tail.bytes += update.byteLength
    open.size.grow(update.byteLength)
    open.counted()
  }

  /**
   * Journals the bytes of a sync message when Yjs kept a part of it aside for want of predecessors: it emitted no
   * update for that part, and it would be acknowledged without being stored (R1.4).
   * @returns whether it did
   */
  appendHeldBack(open: OpenDocument, payload: Uint8Array, author: string | null): boolean {
    const { structs, deletions } = heldBackOf(open.document)
    const isNew =
      (structs !== null && structs !== open.heldBack.structs) ||
      (deletions !== null && deletions !== open.heldBack.deletions)
    open.heldBack = { structs, deletions }
    // a copy: the payload is a view into the socket's read buffer
    if (isNew) this.append(open, payload.slice(), author)
    return isNew
  }

  /** Hocuspocus's debounced store: the journal holds everything already, so only a due snapshot is written. */
  async #store({ documentName }: onStoreDocumentPayload): Promise<void> {
    const open = this.#open.get(documentName)
    if (!open || open.line.failure || !isSnapshotDue(open.snapshot)) return
    const { line, snapshot } = open
    // The bytes may hold more than `covered` says, never less.
    const revision = line.covered
    const covered = { ...snapshot.tail }
    const bytes = Y.encodeStateAsUpdate(open.document)
    try {
      await saveSnapshot(this.#database, { id: line.documentId, epoch: line.epoch }, revision, bytes, open.missing)
    } catch (cause) {
      // the account is unchanged, so the next edit tries again; nothing depends on this snapshot
      this.events.emit('snapshotFailed', { documentName, cause })
      return
    }
    snapshot.size = bytes.byteLength
    snapshot.tail.rows -= covered.rows
    snapshot.tail.bytes -= covered.bytes
    this.events.emit('snapshot', { documentName, revision, bytes: bytes.byteLength })
  }

  #forget(documentName: string): void {
    const open = this.#open.get(documentName)
    if (!open) return
    this.#open.delete(documentName)
    this.#byLine.delete(open.line)
  }
}

/** Who made an update; null for the server itself. */
function authorOf(origin: unknown): string | null {
  if (!isTransactionOrigin(origin) || origin.source !== 'connection') return null
  const context = origin.connection.context as ConnectionContext
  return context.access?.userId ?? null
}

/** Starts Hocuspocus's debounced store once a snapshot is due, also one that an earlier process did not get to. */
function scheduleSnapshots(instance: Hocuspocus, open: OpenDocument): void {
  if (!isSnapshotDue(open.snapshot)) return
  const { document } = open
  void instance.storeDocumentHooks(document, {
    instance,
    clientsCount: document.getConnectionsCount(),
    document,
    documentName: document.name,
    lastContext: {},
    lastTransactionOrigin: { source: 'local' },
  })
}
