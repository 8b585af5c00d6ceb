import type { Extension, Hocuspocus, onLoadDocumentPayload, onStoreDocumentPayload } from '@hocuspocus/server'
import { isTransactionOrigin } from '@hocuspocus/server'
import { Emitter, TidemarkError } from '@tidemark/shared'
import type * as Y from 'yjs'
import type { Database } from '../database/database.ts'
import type { Journal } from '../journal/journal.ts'
import type { Repair } from '../journal/lanes.ts'
import { JournalLine, type Place } from '../journal/line.ts'
import type { ConnectionContext } from '../sockets/context.ts'
import { Beginnings, nothingStored } from './beginning.ts'
import { catchUp } from './catch-up.ts'
import { encodeWhole } from './encode.ts'
import { leaveFormatsToClients } from './formats.ts'
import { integrateWithCare } from './integration.ts'
import { LargeUpdates } from './large-updates.ts'
import { loadOrigin, loadStored, quietly, type RowQuarantined } from './load.ts'
import { boundMerging } from './long-lists.ts'
import type { Memory } from './memory.ts'
import { isSnapshotDue, type OpenDocument } from './open-document.ts'
import { Owners } from './owners.ts'
import { asReceived } from './received.ts'
import { repairOf } from './repair.ts'
import { DocumentSize } from './size.ts'
import { findEpoch, saveSnapshot } from './store.ts'
import { isTooDeep, type StructureLimits } from './structure.ts'
import { Unstorable } from './unstorable.ts'

export interface DocumentsEvents {
  /** All that was queued of this document is committed: it may now leave memory. */
  settled: OpenDocument
  /** A reader had it open before anything was stored of it; now it has an epoch (S11). */
  begun: OpenDocument
  snapshot: { documentName: string; revision: number; bytes: number }
  /** A row of another process does not decode; it was put aside, and the document goes on without it. */
  quarantined: { documentName: string; error: RowQuarantined }
  /** The database was set back; what it lacks of the document is being stored again (R7.14). */
  setBack: { documentName: string; revision: number; head: number }
  /** How large it is was measured: there may be more room than was known. */
  measured: OpenDocument
  catchUpFailed: { documentName: string; cause: unknown }
  snapshotFailed: { documentName: string; cause: unknown }
}

boundMerging()
integrateWithCare()

/** The documents in this process's memory: loaded, journaled from their own update event, snapshotted, let go. */
export class Documents {
  readonly events: Emitter<DocumentsEvents>
  readonly unstorable = new Unstorable()
  readonly large = new LargeUpdates({
    append: (open, update, author) => this.append(open, update, author),
    giveUp: (open, cause) => this.#giveUp(open, cause),
    finished: (open) => {
      if (open.line.isDurable && !open.line.isMending) this.events.emit('settled', open)
    },
  })
  readonly #open = new Map<string, OpenDocument>()
  readonly #byLine = new Map<JournalLine, OpenDocument>()
  readonly #faulty = new Set<OpenDocument>()
  readonly #beginnings: Beginnings
  readonly #database: Database
  readonly #journal: Journal
  readonly #limits: Pick<StructureLimits, 'typeDepth'>
  readonly #memory: Memory

  constructor(
    database: Database,
    journal: Journal,
    limits: Pick<StructureLimits, 'typeDepth'>,
    memory: Memory,
    onListenerError: (error: unknown) => void,
  ) {
    this.#database = database
    this.#journal = journal
    this.#limits = limits
    this.#memory = memory
    this.events = new Emitter(onListenerError)
    this.#beginnings = new Beginnings({
      database,
      quarantined: (documentName, error) => this.events.emit('quarantined', { documentName, error }),
      begun: (open) => this.events.emit('begun', open),
    })
    journal.events.on('committed', ({ lines }) => {
      for (const line of lines) {
        const open = this.#byLine.get(line)
        if (!open) continue
        if (line.covered < line.revision) void this.#catchUp(open)
        if (line.isDurable && !line.isMending) this.events.emit('settled', open)
      }
    })
    journal.events.on('storage', ({ available }) => {
      // it may have come back as another: a standby, a backup
      if (available) for (const open of this.#open.values()) this.#touch(open)
    })
    journal.repairBy((line) => this.#repair(line))
  }

  get(name: string): OpenDocument | undefined {
    return this.#open.get(name)
  }

  all(): IterableIterator<OpenDocument> {
    return this.#open.values()
  }

  /** Whether one of them takes no more edits, and is about to leave. */
  get hasFaulty(): boolean {
    return this.#faulty.size > 0
  }

  get count(): number {
    return this.#open.size
  }

  /** The epoch of the stored history; null when nothing is stored under this name (R9.1). */
  async epochOf(name: string): Promise<string | null> {
    const line = this.#open.get(name)?.line
    return line?.isStored ? line.epoch : await findEpoch(this.#database, name)
  }

  /**
   * Somebody comes to a document that is open. Who may write makes its row, where it has none (S11).
   * @throws {TidemarkError} `storage-unavailable`
   */
  async come(name: string, mayWrite: boolean): Promise<void> {
    const open = this.#open.get(name)
    if (open) await this.#beginnings.come(open, mayWrite)
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
      if (!open || open.line.failure !== null || open.document.isDestroyed) return
      if (!open.line.isDurable || open.line.isMending || open.applying) throw new Error('')
    },
    afterUnloadDocument: async ({ documentName }) => this.#forget(documentName),
    connected: async ({ documentName }) => {
      const open = this.#open.get(documentName)
      if (open) this.#touch(open)
    },
  }

  async #load({ instance, document, documentName, connectionConfig }: onLoadDocumentPayload): Promise<void> {
    leaveFormatsToClients(document)
    const found = await this.#beginnings.find(documentName, !connectionConfig.readOnly)
    const size = new DocumentSize(document, this.#memory)
    const loaded = found ? await loadStored(this.#database, found, document, size) : nothingStored(documentName)
    const { stored, tail, missing } = loaded
    const line = new JournalLine({ id: stored.id, name: documentName, epoch: stored.epoch, revision: stored.head })
    const snapshot = { size: stored.snapshot?.size ?? 0, tail }
    const counted = () => scheduleSnapshots(instance, open)
    const owners = new Owners(document)
    const open: OpenDocument = { document, line, snapshot, counted, missing, size, owners, fault: null, applying: null }
    size.measured = () => this.events.emit('measured', open)
    const { typeDepth } = this.#limits
    // before anybody hears of it, and before Yjs looks at each level above each of them
    document.on('beforeObserverCalls', (transaction: Y.Transaction) => {
      if (transaction.origin === loadOrigin || open.fault || !isTooDeep(transaction, typeDepth)) return
      this.#giveUp(open, new Error(`types within types, more than ${typeDepth} deep`))
    })
    // Synchronous with the apply: Hocuspocus's own onChange runs in a promise chain, after the ack was written (R1).
    document.on('update', (update: Uint8Array, origin: unknown, _doc: unknown, transaction: Y.Transaction) => {
      if (origin === loadOrigin || open.fault) return
      this.append(open, asReceived(update, transaction, receivedFrom(origin)), authorOf(origin))
    })
    this.#open.set(documentName, open)
    this.#byLine.set(line, open)
  }

  /** It takes no more edits; the next one that comes makes it leave. */
  #giveUp(open: OpenDocument, cause: Error): void {
    open.fault = cause
    this.#faulty.add(open)
  }

  readonly #catchingUp = new Set<OpenDocument>()
  async #catchUp(open: OpenDocument): Promise<void> {
    if (this.#catchingUp.has(open)) return
    this.#catchingUp.add(open)
    const documentName = open.document.name
    try {
      await catchUp(this.#database, open, (error) => this.events.emit('quarantined', { documentName, error }))
    } catch (cause) {
      // the next commit tries again; until then no snapshot claims what is missing here
      this.events.emit('catchUpFailed', { documentName, cause })
    } finally {
      this.#catchingUp.delete(open)
    }
  }

  #touched = new Set<OpenDocument>()
  #verifying = false
  /** Somebody looks at a document that is open: asks whether the database still holds it, all such documents in one look. */
  #touch(open: OpenDocument): void {
    if (!open.line.isStored) return
    this.#touched.add(open)
    if (!this.#verifying) void this.#verifyTouched()
  }

  async #verifyTouched(): Promise<void> {
    this.#verifying = true
    while (this.#touched.size > 0) {
      const lines = [...this.#touched].map(({ line }) => line)
      this.#touched.clear()
      // a database that does not answer is somebody else's to tell of; the next commit or session looks again
      await this.#journal.verify(lines).catch(() => {})
    }
    this.#verifying = false
  }

  async #repair(line: JournalLine): Promise<Repair> {
    const open = this.#byLine.get(line)
    if (!open) throw new TidemarkError('document-closed')
    const documentName = line.documentName
    const { revision } = line
    const repair = await repairOf(this.#database, open, (error) =>
      this.events.emit('quarantined', { documentName, error }),
    )
    if (repair.update) this.events.emit('setBack', { documentName, revision, head: repair.head.revision })
    return repair
  }

  append(open: OpenDocument, update: Uint8Array, author: string | null): void {
    if (!open.line.isStored) {
      this.#giveUp(open, new Error('an edit came to a document that has no row'))
      return
    }
    this.#journal.append(open.line, update, author)
    open.snapshot.tail.rows += 1
    open.snapshot.tail.bytes += update.byteLength
    open.size.grow(update.byteLength)
    open.counted()
  }

  /** Hocuspocus's debounced store: the journal holds everything already, so only a due snapshot is written. */
  async #store({ documentName }: onStoreDocumentPayload): Promise<void> {
    const open = this.#open.get(documentName)
    for (let tries = 0; open && tries < snapshotTries; tries++) {
      // the update that is being applied asks again when it is whole
      if (open.line.failure || open.document.isDestroyed || open.applying || !isSnapshotDue(open.snapshot)) return
      try {
        if (await this.#saveSnapshot(open)) return
        await this.#catchUp(open)
      } catch (cause) {
        // the account is unchanged, so the next edit tries again; nothing depends on this snapshot
        this.events.emit('snapshotFailed', { documentName, cause })
        return
      }
    }
  }

  /** @returns false when no revision is exactly what was in memory, because another process wrote meanwhile (R7.13) */
  async #saveSnapshot(open: OpenDocument): Promise<boolean> {
    const { document, line, snapshot } = open
    // all of this belongs to the very moment that the bytes are of
    const { bytes, isWhole, covered, missing, placed } = await encodeWhole(document, (bytes) => ({
      bytes,
      isWhole: open.applying === null,
      covered: { ...snapshot.tail },
      missing: [...open.missing],
      placed: new Promise<Place | null>((settle) => line.whenPlaced(settle)),
    }))
    if (!isWhole || document.isDestroyed || line.failure) return true
    const place = await placed
    if (place === null) return false
    if (!(await saveSnapshot(this.#database, { id: line.documentId, epoch: line.epoch }, place, bytes, missing))) {
      this.#touch(open)
      return true
    }
    snapshot.size = bytes.byteLength
    snapshot.tail.rows -= covered.rows
    snapshot.tail.bytes -= covered.bytes
    this.events.emit('snapshot', {
      documentName: document.name,
      revision: place.revision,
      bytes: bytes.byteLength,
    })
    return true
  }

  #forget(documentName: string): void {
    const open = this.#open.get(documentName)
    if (!open) return
    this.#open.delete(documentName)
    this.#byLine.delete(open.line)
    this.#faulty.delete(open)
  }
}

/** How often a snapshot is begun again because another process wrote meanwhile; the next edit asks for one anyway. */
const snapshotTries = 3

/** The client's message that is being applied; null where an update comes from elsewhere. */
function receivedFrom(origin: unknown): Uint8Array | null {
  if (!isTransactionOrigin(origin) || origin.source !== 'connection') return null
  const { gate } = origin.connection.context as ConnectionContext
  return gate.applying(origin.connection.messageAddress)
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
