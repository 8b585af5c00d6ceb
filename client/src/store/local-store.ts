import type { TidemarkError } from '@tidemark/shared'
import type * as Y from 'yjs'
import type { DirtyMark } from './dirty-mark.ts'

/** What of the server's history the stored copy belongs to, and on whose behalf it was made. */
export interface History {
  readonly epoch: string
  readonly revision: number
}

/** What a store found when it was opened; the content itself is in the `Y.Doc` by then. */
export interface Loaded {
  /**
   * The name of this very copy, its generation included: openings with the same one share it and may hand each other
   * edits; an opening of a copy that was set aside must not meet those of the new one (R9.4).
   */
  readonly copy: string
  /** What was pending when it was stored, by the opening whose edits they are (R3.2). */
  readonly marks: ReadonlyMap<string, DirtyMark>
  readonly history: History | null
  /** The token subject whose edits these are; null when nobody's was known. */
  readonly account: string | null
  /** @returns what of an update the stored content lacks; null when it has all of it */
  lacking(update: Uint8Array): Uint8Array | null
}

/** What the disk says of a copy at this moment, whatever was heard of it. */
export interface CopyFacts {
  /** Null while it is the document's copy. */
  readonly setAside: SetAside | null
  /** By opening: what is pending, whoever has it open. */
  readonly marks: ReadonlyMap<string, DirtyMark>
  /** Another opening may have noted it since this one was loaded. */
  readonly history: History | null
  readonly account: string | null
}

/** What of a copy's facts concerns the content that was read with them. */
export type NewlyRead = Pick<CopyFacts, 'marks' | 'history'>

/** By opening: everything up to this position is durable on the server. */
export type Acknowledged = ReadonlyMap<string, number>

/**
 * One document's copy on this device. Several tabs may have the same copy open, each with a store of its own.
 * Every store passes the suite in `contract.ts`.
 * The store is the origin of the transaction that brings its content into the `Y.Doc`.
 */
export interface LocalStore {
  readonly kind: 'indexeddb' | 'memory'

  /**
   * Opens the store and brings what it holds into the `Y.Doc`. Called once. Content that was in the `Y.Doc`
   * before is not stored by this.
   * @throws {TidemarkError} `local-storage-unavailable`, `local-storage-key-wrong`
   */
  load(): Promise<Loaded>

  /**
   * Stores an update; may be called before {@link load} is done.
   * @param position of the edit among this opening's; null for an update that is durable on the server already
   * @returns settles when the transaction that holds the update and its dirty mark has completed. A write that fails
   *   is tried again; the promise rejects when the store is closed or lost before that succeeded.
   */
  append(update: Uint8Array, position: number | null): Promise<void>

  /** Takes back what of these openings' dirty marks is durable on the server; the rest of each mark stays. */
  acknowledge(acknowledged: Acknowledged): Promise<void>

  /** Keeps what history the copy belongs to. */
  remember(history: History): Promise<void>

  /** Keeps whose edits the copy holds, as far as their own marks do not say it. */
  rememberAccount(account: string): Promise<void>

  /** This opening's edits are made on behalf of this account, those that are pending too: its dirty mark says so (D3.6). */
  speakFor(account: string): Promise<void>

  /** Whether this opening looks after the copy (compacts it): at most one does at a time. */
  setCaretaker(isCaretaker: boolean): void

  /**
   * This copy's history is over (R9.4). It stays as it is, under a name of its own, and takes what is still written by
   * those who have it open; whoever opens the document from now on begins a new copy. Several tabs may say it at once.
   * Settles always.
   * @throws {TidemarkError} `document-closed`, `local-storage-unavailable`, `local-storage-full`, `local-storage-failed`:
   *   it was not written down, and is not tried again
   */
  setAside(why: SetAside): Promise<void>

  /**
   * Reads again what concerns all who have the copy open: a word of another tab may not have been heard (R9.4). A copy
   * that turns out to be set aside is not written again when it is thrown away.
   * @returns null when there is nobody to ask: this opening has lost its copy
   * @throws {TidemarkError} `local-storage-failed`
   */
  facts(): Promise<CopyFacts | null>

  /**
   * Brings what others have stored since into the `Y.Doc`, with this store as its origin.
   * @returns what of it is pending, by opening, as {@link Loaded.marks}, and of which history it is
   * @throws {TidemarkError} `local-storage-failed`
   */
  readNew(): Promise<NewlyRead>

  /** Waits for what is being read and written, and lets go. The data stays. Closing twice is harmless. */
  close(): Promise<void>
}

/** Why and when a copy was set aside. */
export interface SetAside {
  readonly reason: 'epoch-mismatch' | 'discarded'
  /** Unix time in ms. */
  readonly at: number
}

/** A copy that was set aside, as it is listed. */
export interface SetAsideCopy extends SetAside {
  /** Of the copy: the name of its own database. */
  readonly id: string
  /** The document's. */
  readonly document: string
  /** Edits in it that the server never acknowledged. */
  readonly pendingCount: number
}

/** On whose behalf one of a document's copies was made, as far as it says so. */
export interface CopyOwner {
  /** Of the copy, as {@link Loaded.copy}. */
  readonly id: string
  readonly marks: ReadonlyMap<string, DirtyMark>
  /** Whose the edits are where no mark says it; null when nobody's was known. */
  readonly account: string | null
  readonly isSetAside: boolean
}

/** What a store tells while it is open. */
export interface StoreEvents {
  /** Something went wrong; the store goes on. Told once for each run of the same failure. */
  failed(error: TidemarkError): void
  /** Something went wrong that loses nothing and is tried again: to log, not to tell. */
  noted?(error: TidemarkError): void
  /** Everything that could not be written has been. */
  recovered(): void
  /** The copy was thrown away: nothing of it is stored, until it is {@link rewritten}. */
  gone?(): void
  /** Everything up to this position of the opening's is stored again, and what was stored before. */
  rewritten?(position: number): void
  /** Nothing is stored any more. */
  lost(error: TidemarkError): void
  /** By opening, its own included: what is pending of the edits that are in the `Y.Doc` now. */
  pending?(): ReadonlyMap<string, DirtyMark>
  /**
   * Do these marks stand for edits that the opening does not count? It reads them then (`readNew`); before that the
   * store must not bring them into the `Y.Doc` by itself.
   */
  hasUncounted?(marks: ReadonlyMap<string, DirtyMark>): boolean
}

/**
 * Where one namespace's copies are kept on this device. IndexedDB, memory, and a simulated disk are three of them.
 * Documents are named by their own names here; what their databases are called is its own affair.
 */
export interface LocalStores {
  readonly kind: 'indexeddb' | 'memory'
  /**
   * @param opening one tab's opened document; its dirty mark stands under this name
   * @throws {TidemarkError} `local-storage-unavailable`
   */
  open(document: string, doc: Y.Doc, opening: string, events: StoreEvents): LocalStore
  /** The documents that are kept here, opened or not, set-aside copies not counted. */
  documents(): Promise<string[]>
  /**
   * How many edits are pending in the copy of a document that is in use, as it is stored now; rows in quarantine that
   * may hold such edits are counted, too (R3.11).
   */
  pendingCount(document: string): Promise<number>
  /** The same of the document's copies that were set aside. */
  setAsideCount(document: string): Promise<number>
  /**
   * Deletes a document's copies, those set aside included.
   * @param signal aborted when nobody waits for it any more: what it has not come to by then stays, as it may be of
   *   somebody who came later
   */
  delete(document: string, signal: AbortSignal): Promise<void>
  setAsideCopies(): Promise<SetAsideCopy[]>
  /** Whose a document's copies are: the one that is in use is the last. Looking does not make any. */
  owners(document: string): Promise<CopyOwner[]>
  /** What a set-aside copy holds, in a `Y.Doc` of its own. */
  readSetAside(id: string): Promise<Y.Doc>
  /** Deletes one set-aside copy. */
  dropSetAside(id: string): Promise<void>
  close(): Promise<void>
}
