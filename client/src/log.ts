import type { ErrorCode, TidemarkError } from '@tidemark/shared'

/** One failure, once (R5.3). It never holds a token. */
export interface LogEntry {
  /** `info` when the client is about to heal it by itself: the app is not told. */
  readonly level: 'info' | 'warn' | 'error'
  readonly code: ErrorCode
  readonly message: string
  /** The document concerned; null when it is the socket of all of them. */
  readonly document: string | null
  /** The session it happened in; null outside of one. */
  readonly session: string | null
  /** Which attempt in a row failed, from 1. */
  readonly attempt: number
  /** Why, in the words of whatever reported it, with anything like a token taken out. */
  readonly cause: string | null
}

export type Log = (entry: LogEntry) => void

export const consoleLog: Log = (entry) => {
  console[entry.level](`tidemark: ${entry.code}: ${entry.message}`, entry)
}

export function logEntry(
  error: TidemarkError,
  where: { document?: string; session?: string | null; attempt?: number; isHealing?: boolean },
): LogEntry {
  return {
    level: where.isHealing ? 'info' : error.persistent ? 'error' : 'warn',
    code: error.code,
    message: error.message,
    document: where.document ?? null,
    session: where.session ?? null,
    attempt: where.attempt ?? 1,
    cause: describeCause(error.cause),
  }
}

function describeCause(cause: unknown): string | null {
  if (cause === undefined || cause === null) return null
  const text =
    cause instanceof Error || cause instanceof DOMException ? `${cause.name}: ${cause.message}` : typeof cause
  return withoutTokens(text)
}

/** An app's own error may quote what it sent: JSON web tokens, bearer tokens and query strings are taken out (R10). */
export function withoutTokens(text: string): string {
  return text
    .replace(/[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, '[token]')
    .replace(/bearer\s+\S+/gi, 'Bearer [token]')
    .replace(/\?[^\s"'<>]*/g, '?[query]')
}
