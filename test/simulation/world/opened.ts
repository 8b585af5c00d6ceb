import type { TidemarkDocument } from '@tidemark/client'
import type { Device, Tab } from '@tidemark/client/testing'
import { Coverage } from './coverage.ts'
import type { DocumentName } from './steps.ts'

/** One edit that somebody made. */
export interface Edit {
  readonly by: Opened
  /** Its position among the edits of its opening. */
  readonly position: number
  /** What it inserted and deleted. */
  readonly units: readonly string[]
  /** What an app would see of it. */
  readonly says: string
}

/** A document opened in a tab, and what an app hears of it there. */
export class Opened {
  readonly name: DocumentName
  readonly device: Device
  readonly tab: Tab
  readonly document: TidemarkDocument
  /** What is in the `Y.Doc` by other ways than from the server: what "saved" is said of. */
  readonly own = new Coverage()
  readonly fromServer = new Coverage()
  /** Something is pending that `drained` has not been said of. */
  owesDrained = false
  #pendingEvents = 0
  readonly #onTrouble: (what: string) => void

  constructor(
    place: { readonly name: DocumentName; readonly device: Device; readonly tab: Tab },
    document: TidemarkDocument,
    on: { readonly saved: (opened: Opened, saying: string) => void; readonly trouble: (what: string) => void },
  ) {
    this.name = place.name
    this.device = place.device
    this.tab = place.tab
    this.document = document
    this.#onTrouble = on.trouble
    // one that is open already, because the client catches up by itself
    this.owesDrained = document.pendingCount > 0
    document.doc.on('update', (update: Uint8Array, origin: unknown) => {
      const coverage = isFromServer(origin) ? this.fromServer : this.own
      coverage.add(update)
    })
    document.on('pending', () => {
      this.#pendingEvents++
      this.owesDrained = true
    })
    document.on('drained', () => {
      if (!this.owesDrained) on.trouble(`[R4.1] ${this}: drained twice`)
      if (document.pendingCount > 0) on.trouble(`[R4.1] ${this}: drained with ${document.pendingCount} pending`)
      this.owesDrained = false
      on.saved(this, 'drained')
    })
    document.on('status', ({ kind }) => {
      if (kind === 'saved') on.saved(this, 'saved')
    })
    document.awareness.setLocalState({ here: true })
  }

  get isRunning(): boolean {
    return this.tab.state === 'running' && !this.isClosed
  }

  isClosed = false

  /** Other tabs of the device have the same copy, and hear of its edits. */
  get isShared(): boolean {
    return this.document.status.localStore.kind === 'indexeddb' && !this.document.isSetAside
  }

  get numbers(): number[] {
    return this.document.doc.getArray<number>('numbers').toArray()
  }

  /** Makes one edit, in one transaction, and sees that it is pending in the same tick (R2.1). */
  edit(says: string, change: () => void): Edit | null {
    const { document } = this
    const before = this.#pendingEvents
    let update: Uint8Array | null = null
    const collect = (bytes: Uint8Array) => {
      update = bytes
    }
    document.doc.on('update', collect)
    document.doc.transact(change)
    document.doc.off('update', collect)
    if (!update) return null
    if (!document.isSetAside && (this.#pendingEvents === before || document.pendingCount === 0)) {
      this.#onTrouble(`[R2.1] ${this}: not pending in the same tick`)
    }
    return {
      by: this,
      position: this.device.newestOf(document.doc),
      units: [...new Coverage().add(update).units],
      says,
    }
  }

  toString(): string {
    return `${this.name} on ${this.device.name}`
  }
}

/** What the server sends comes through the link; everything else is this device's. */
function isFromServer(origin: unknown): boolean {
  return (origin as { constructor?: { name?: string } } | null)?.constructor?.name === 'DocumentProvider'
}
