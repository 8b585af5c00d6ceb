import type { TidemarkError } from '@tidemark/shared'

/** What of the server's history the stored copy belongs to. */
export interface History {
  readonly epoch: string
  readonly revision: number
}

/** What a store found when it was opened; the content itself is in the `Y.Doc` by then. */
export interface Loaded {
  /** Edits that were pending when they were stored, by this tab before or by another one (R3.2). */
  readonly inherited: number
  readonly history: History | null
}

/**
 * One document's copy on this device. Every store passes the suite in `contract.ts`.
 * The store is the origin of the transaction that brings its content into the `Y.Doc`.
 */
export interface LocalStore {
  readonly kind: 'indexeddb' | 'memory'

  /**
   * Opens the store and brings what it holds into the `Y.Doc`. Called once. Content that was in the `Y.Doc`
   * before is not stored by this.
   * @throws {TidemarkError} `local-storage-unavailable`
   */
  load(): Promise<Loaded>

  /**
   * Stores an update; may be called before {@link load} is done.
   * @param position of the edit; null for an update that is durable on the server already
   * @returns settles when the transaction that holds the update and its dirty mark has completed. A write that fails
   *   is tried again; the promise rejects when the store is closed or lost before that succeeded.
   */
  append(update: Uint8Array, position: number | null): Promise<void>

  /** Every edit up to this position is durable on the server, and so is all that was inherited. */
  acknowledge(position: number): Promise<void>

  /** Keeps what history the copy belongs to. */
  remember(history: History): Promise<void>

  /** Waits for what is being written, and lets go. The data stays. Closing twice is harmless. */
  close(): Promise<void>
}

/** What a store tells while it is open. */
export interface StoreEvents {
  /** Something went wrong; the store goes on. Told once for each run of the same failure. */
  failed(error: TidemarkError): void
  /** Everything that could not be written has been. */
  recovered(): void
  /** Nothing is stored any more. */
  lost(error: TidemarkError): void
}
