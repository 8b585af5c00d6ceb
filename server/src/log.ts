import { type ErrorCode, errorSentences } from '@tidemark/shared'
import { type Logger, pino } from 'pino'
import type { LogLevel } from './config.ts'
import { scrub } from './log/scrub.ts'

export type Log = Logger

/** Where lines go; stdout is kept for what a person who starts the server reads. */
export interface LogSink {
  write(line: string): void
}

const stderr: LogSink = { write: (line) => void process.stderr.write(line) }

/** One JSON line for each event. Every line is scrubbed of tokens, passwords and query strings (R10, T3). */
export function createLog(level: LogLevel, sink: LogSink = stderr): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: ['token', '*.token', 'authorization', '*.authorization', '*.*.authorization', 'secret', '*.secret'],
        censor: '[hidden]',
      },
    },
    { write: (line) => sink.write(scrub(line)) },
  )
}

/** What is known of a failure; anything else that helps may be added, never an edit's content. */
export interface Failure {
  readonly code: ErrorCode
  readonly document?: string | undefined
  readonly session?: string | undefined
  readonly attempt?: number | string | undefined
  readonly cause?: unknown
  /** Instead of the code's own sentence. */
  readonly message?: string | undefined
  readonly [fact: string]: unknown
}

/** Logs a failure: one line, with document, session, attempt and cause (R5.3, P12). */
export function logFailure(log: Log, failure: Failure): void {
  const { code, cause, message, ...facts } = failure
  const level = isServersFault(code) ? 'error' : 'warn'
  if (!log.isLevelEnabled(level)) return
  log[level](
    {
      code,
      ...facts,
      ...(cause === undefined ? {} : { cause: describeCause(cause, { withStack: level === 'error' }) }),
    },
    message ?? errorSentences[code],
  )
}

// The rest is done to the server, or heals by itself; an administrator is woken only for these.
function isServersFault(code: ErrorCode): boolean {
  switch (code) {
    case 'internal':
    case 'storage-unavailable':
    case 'document-load-failed':
    case 'database-set-back':
    case 'document-write-failed':
    case 'configuration-invalid':
    case 'data-folder-in-use':
    case 'schema-too-new':
    case 'schema-unusable':
      return true
    default:
      return false
  }
}

interface DescribedCause {
  type: string
  message: string
  code?: string | number
  stack?: string
  cause?: DescribedCause
}

/**
 * An error as plain data. Only these fields: the others of a database error (detail, where, parameters) hold what people
 * wrote.
 */
export function describeCause(cause: unknown, { withStack = true, depth = 0 } = {}): DescribedCause {
  if (!(cause instanceof Error)) return { type: typeof cause, message: shorten(String(cause)) }
  const described: DescribedCause = { type: cause.name, message: shorten(cause.message) }
  const code: unknown = 'code' in cause ? cause.code : undefined
  if (typeof code === 'string' || typeof code === 'number') described.code = code
  // the outermost stack shows where it happened; the inner ones are mostly the libraries'. What a stranger can bring about
  // has none: 60 bytes would make 4 KB.
  if (withStack && depth === 0 && cause.stack !== undefined) described.stack = shorten(cause.stack)
  if (cause.cause !== undefined && depth < 4)
    described.cause = describeCause(cause.cause, { withStack, depth: depth + 1 })
  return described
}

function shorten(text: string): string {
  return text.length <= 2000 ? text : `${text.slice(0, 2000)}…`
}
