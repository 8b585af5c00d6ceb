import { type ErrorCode, errorSentences, TidemarkError } from '@tidemark/shared'

const onlyHere = 'Keep this page open: what is not saved yet is only in it.'

/** The sentences that promise a copy on this device, for a device that keeps none (R2.3). */
const withoutCopy: { readonly [code in ErrorCode]?: string } = {
  'network-offline': `There is no network. ${onlyHere}`,
  'connection-lost': `The connection was lost; reconnecting. ${onlyHere}`,
  'server-unreachable': `The server cannot be reached; trying again. ${onlyHere}`,
  'server-busy': `The server is busy; trying again shortly. ${onlyHere}`,
  'server-restarting': `The server is restarting; reconnecting. ${onlyHere}`,
  'heartbeat-missed': `The server stopped answering; reconnecting. ${onlyHere}`,
  'session-unanswered': `The server does not answer for this document; trying again. ${onlyHere}`,
  'storage-unavailable': `The server's database is away; trying again. ${onlyHere}`,
  'document-write-failed': `The server could not store an edit of this document. ${onlyHere}`,
  'epoch-mismatch': `The server's copy of this document was replaced. Your copy was not mixed into it. ${onlyHere}`,
  'flush-timeout': `Not everything could be saved in time. ${onlyHere}`,
  'flush-aborted': `Saving was cancelled. ${onlyHere}`,
}

/** What the indicator says of a connection that is gone for no known reason. */
export function noConnection(isKept: boolean): string {
  return isKept ? 'There is no connection.' : `There is no connection. ${onlyHere}`
}

// an app that compares errors to tell a new one meets the same object each time
const worded = new WeakMap<TidemarkError, TidemarkError>()

/**
 * The same error, in words that are true here. Words that somebody chose for the occasion stay.
 * @param isKept edits survive the tab
 */
export function inTrueWords(error: TidemarkError, isKept: boolean): TidemarkError {
  const sentence = withoutCopy[error.code]
  if (isKept || sentence === undefined || error.message !== errorSentences[error.code]) return error
  let truthful = worded.get(error)
  if (!truthful) {
    truthful = new TidemarkError(error.code, sentence, { cause: error.cause })
    worded.set(error, truthful)
  }
  return truthful
}
