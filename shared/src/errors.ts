/**
 * The one list of what can go wrong (SPEC R5). Every failure that a person, an app or a log line can meet
 * has a code here, and {@link consequenceOf} decides, exhaustively, what follows from it.
 */
export const errorCodes = [
  // the way to the server
  'network-offline',
  'connection-lost',
  'connection-idle',
  'server-unreachable',
  'server-busy',
  'server-restarting',
  'heartbeat-missed',
  'session-unanswered',
  // who may do what
  'token-missing',
  'token-invalid',
  'token-expired',
  'token-revoked',
  'token-provider-failed',
  'permission-denied',
  'read-only',
  'origin-not-allowed',
  'host-not-allowed',
  'authentication-timeout',
  // the server's storage
  'storage-unavailable',
  'database-set-back',
  'document-load-failed',
  'document-write-failed',
  // what was sent
  'message-malformed',
  'message-too-large',
  'update-malformed',
  'update-too-complex',
  'document-too-large',
  'presence-refused',
  'document-name-invalid',
  'too-many-documents',
  'too-many-connections',
  'too-many-requests',
  'slow-consumer',
  'protocol-unsupported',
  // asking for what is not there
  'not-found',
  // history
  'epoch-mismatch',
  // this browser's storage
  'local-storage-unavailable',
  'local-storage-full',
  'local-storage-failed',
  'local-storage-corrupt',
  'local-storage-key-wrong',
  'local-storage-tampered',
  'local-storage-in-use',
  'account-mismatch',
  'edits-unkept',
  'page-outdated',
  // the app's own rules
  'flush-timeout',
  'flush-aborted',
  'document-closed',
  'value-invalid',
  'app-listener-failed',
  'document-broken',
  // starting the server
  'configuration-invalid',
  'data-folder-in-use',
  'schema-too-new',
  'schema-unusable',
  // our own fault
  'internal',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/**
 * What follows from a failure:
 * - `retry`: it heals by itself; Tidemark tries again with backoff, edits stay pending.
 * - `reauthenticate`: a fresh token is asked for once, then the connection is tried again.
 * - `needs-person`: nothing heals it but a decision (other rights, more space, another version); edits stay.
 * - `fatal`: this attempt is over and trying again cannot help (a mistake in the call, or in Tidemark).
 */
export type Consequence = 'retry' | 'reauthenticate' | 'needs-person' | 'fatal'

export function consequenceOf(code: ErrorCode): Consequence {
  switch (code) {
    case 'network-offline':
    case 'connection-lost':
    case 'connection-idle':
    case 'server-unreachable':
    case 'server-busy':
    case 'server-restarting':
    case 'heartbeat-missed':
    case 'session-unanswered':
    case 'authentication-timeout':
    case 'storage-unavailable':
    case 'database-set-back':
    case 'too-many-connections':
    case 'too-many-requests':
    case 'slow-consumer':
    case 'flush-timeout':
    case 'local-storage-failed':
    case 'local-storage-in-use':
      return 'retry'
    case 'token-expired':
      return 'reauthenticate'
    case 'token-missing':
    case 'token-invalid':
    case 'token-revoked':
    case 'token-provider-failed':
    case 'permission-denied':
    case 'read-only':
    case 'origin-not-allowed':
    case 'host-not-allowed':
    case 'document-load-failed':
    case 'document-write-failed':
    case 'message-too-large':
    case 'update-too-complex':
    case 'document-too-large':
    case 'too-many-documents':
    case 'protocol-unsupported':
    case 'epoch-mismatch':
    case 'not-found':
    case 'local-storage-unavailable':
    case 'local-storage-full':
    case 'local-storage-corrupt':
    case 'local-storage-key-wrong':
    case 'local-storage-tampered':
    case 'account-mismatch':
    case 'document-broken':
    case 'edits-unkept':
    case 'page-outdated':
    case 'data-folder-in-use':
    case 'schema-too-new':
    case 'schema-unusable':
    case 'configuration-invalid':
      return 'needs-person'
    case 'message-malformed':
    case 'update-malformed':
    case 'presence-refused':
    case 'document-name-invalid':
    case 'flush-aborted':
    case 'document-closed':
    case 'value-invalid':
    case 'app-listener-failed':
    case 'internal':
      return 'fatal'
    default:
      return assertNever(code)
  }
}

/** A failure is persistent when it will not go away by itself; a person should then be shown a toast (H4). */
export function isPersistent(code: ErrorCode): boolean {
  // nothing is wrong with what the person wrote: it is for whoever makes the app
  if (code === 'app-listener-failed' || code === 'presence-refused') return false
  return consequenceOf(code) !== 'retry' && code !== 'token-expired'
}

/** The plain sentences a person reads: what happened, and what to do. No HTML, no values of the user's. */
export const errorSentences: { readonly [code in ErrorCode]: string } = {
  'network-offline': 'There is no network. Your edits are kept on this device and will be sent when it is back.',
  'connection-lost': 'The connection was lost. Your edits are kept on this device; reconnecting.',
  'connection-idle': 'No document was open on the connection any more, so it was closed.',
  'server-unreachable': 'The server cannot be reached. Your edits are kept on this device; trying again.',
  'server-busy': 'The server is busy. Your edits are kept on this device; trying again shortly.',
  'server-restarting': 'The server is restarting. Your edits are kept on this device; reconnecting.',
  'heartbeat-missed': 'The server stopped answering. Your edits are kept on this device; reconnecting.',
  'session-unanswered':
    'The server does not answer for this document. Your edits are kept on this device; trying again.',
  'token-missing': 'You are not signed in. Sign in to save your edits.',
  'token-invalid': 'Your sign-in was not accepted. Sign in again to save your edits.',
  'token-expired': 'Your sign-in has expired. Sign in again to save your edits.',
  'token-revoked': 'Your access was taken back. Sign in again to save your edits, or ask for access.',
  'token-provider-failed': 'Your sign-in could not be renewed. Sign in again to save your edits.',
  'permission-denied': 'You do not have access to this document. Ask its owner for access.',
  'read-only': 'You may read this document but not change it. Your edit was not saved; ask its owner for access.',
  'origin-not-allowed':
    'This page may not connect to the server. Its administrator can add the page to the allowed origins.',
  'host-not-allowed':
    'The server does not answer under this name. Its administrator can add the name to the allowed hosts.',
  'authentication-timeout': 'The connection did not authenticate in time; trying again.',
  'storage-unavailable': "The server's database is away. Your edits are kept and will be saved when it is back.",
  'database-set-back':
    'The database has lost edits that were stored already. The server still had them and stores them again.',
  'document-load-failed': 'The server could not open this document. Its administrator can find the reason in the log.',
  'document-write-failed': 'The server could not store an edit of this document. Your edits are kept on this device.',
  'message-malformed': 'A message could not be understood and was refused.',
  'message-too-large': 'A change is larger than the server accepts. Undo it, or split it into smaller ones.',
  'update-malformed': 'An edit could not be understood and was refused.',
  'update-too-complex':
    'A change nests more deeply, or holds more, than the server accepts. Undo it, or make it smaller or flatter.',
  'document-too-large':
    'The document has reached its largest size. Remove something, and what you added will be saved.',
  'presence-refused':
    'A part of what this page says of who is here was not shown to others: it is too much. Nothing you wrote is concerned.',
  'document-name-invalid':
    'A document cannot have this name: 1 to 512 bytes, no control characters, no "..", not blank.',
  'too-many-documents': 'Too many documents are open on one connection. Close some of them.',
  'too-many-connections': 'The server has too many connections; trying again shortly.',
  'too-many-requests': 'Too many requests come from this address; try again shortly.',
  'slow-consumer': 'This connection could not keep up and was closed; reconnecting.',
  'protocol-unsupported': 'This page and the server speak different versions. Reload the page.',
  'not-found': 'There is nothing under this name or address.',
  'epoch-mismatch':
    "The server's copy of this document was replaced. Your copy was not mixed into it and is kept on this device.",
  'local-storage-unavailable': 'This browser keeps nothing on this device. Stay online until everything is saved.',
  'local-storage-full': 'This device is out of space. Stay online until everything is saved.',
  'local-storage-failed': 'This browser could not keep an edit on this device. Stay online until everything is saved.',
  'local-storage-corrupt':
    'A part of the copy on this device could not be read. The rest was opened, and the part was kept.',
  'local-storage-key-wrong':
    'The copy on this device is encrypted with another key. It was left as it is; sign in as its owner to open it.',
  'local-storage-tampered':
    'A part of the encrypted copy on this device was changed by somebody else. It was kept aside, and the rest was opened.',
  'local-storage-in-use':
    'A part of what this browser keeps could not be deleted: another tab has it open. Close that tab, and sign out again.',
  'account-mismatch':
    'This device holds unsaved edits of another account. They were not sent; sign in as their owner to save them.',
  'edits-unkept':
    'A document was closed before its last edits could be kept on this device or saved. Keep this page open; this is tried again.',
  'page-outdated': 'A part of this page could not be loaded; there may be a newer version of it. Reload the page.',
  'flush-timeout': 'Not everything could be saved in time. Your edits are kept.',
  'flush-aborted': 'Saving was cancelled. Your edits are kept.',
  'document-closed': 'This document was closed.',
  'value-invalid': 'The value was refused by the rules of this app. Nothing was changed.',
  'app-listener-failed': 'A part of this page failed when it was told of a change. The change itself has been made.',
  'document-broken':
    'This page cannot take in changes of the document any more. Open the document again; what was written is there.',
  'configuration-invalid': 'The configuration has a wrong value.',
  'data-folder-in-use': 'Another Tidemark server uses this data folder. Stop it, or choose another folder.',
  'schema-too-new': 'The database was written by a newer Tidemark. Start that version, or restore a backup.',
  'schema-unusable':
    'The database does not let Tidemark keep its tables. Its administrator can find the reason in the log.',
  internal: 'Something went wrong in Tidemark itself.',
}

/** An error with a code from {@link errorCodes}. `message` says what happened and what to do; `cause` says why. */
export class TidemarkError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string = errorSentences[code], options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'TidemarkError'
    this.code = code
  }

  get consequence(): Consequence {
    return consequenceOf(this.code)
  }

  get persistent(): boolean {
    return isPersistent(this.code)
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return (errorCodes as readonly unknown[]).includes(value)
}

/** Closes a switch over a union: a new member then fails the type check, not the person. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${String(value)}`)
}
