import type { TidemarkError } from '@tidemark/shared'
import type { Account } from './account/account.ts'
import type { TokenSource } from './auth/token-source.ts'
import type { TidemarkDocument } from './document.ts'
import type { CloseGuard } from './guard.ts'
import type { Socket } from './link/socket.ts'
import type { Settings } from './options.ts'
import type { DocumentStatus } from './status/status.ts'
import type { LocalCopies } from './store/local-copies.ts'

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
  /**
   * The server's history of this document is another one now, or the person chose to begin anew: the copy was set aside.
   * Open the document again; the copy is among `client.setAsideCopies()`.
   */
  'set-aside': { readonly error: TidemarkError }
  /**
   * The `Y.Doc` is broken: an error has cut short what Yjs does at the end of a transaction, and what is written into it
   * is told to nobody any more. All it held is kept as a pending edit, where it could be read. Let go of the `Y.Doc`,
   * and open the document again: `client.open` gives a new one.
   */
  broken: { readonly error: TidemarkError }
  destroy: undefined
}

/** What a document gets from its client. */
export interface DocumentMeans {
  readonly settings: Settings
  readonly socket: Socket
  readonly tokens: TokenSource
  readonly account: Account
  readonly guard: CloseGuard
  readonly copies: LocalCopies
  /** From here on it is nobody's; told before {@link onClosed}. */
  readonly onClosing: (document: TidemarkDocument) => void
  readonly onClosed: (document: TidemarkDocument) => void
}
