import { TidemarkError } from '@tidemark/shared'
import { sqlState } from '../database/failures.ts'
import { scrub } from '../log/scrub.ts'

/** Why a command ended, as one line for a person: the code, what happened and what to do. */
export function explain(error: unknown): string {
  const { code, message } = error instanceof TidemarkError ? error : translate(error)
  return scrub(`${code}: ${message}`)
}

/** Gives the system's and the database's own errors a code and a sentence. */
function translate(error: unknown): TidemarkError {
  const { code, message } = facts(error)
  switch (code) {
    case 'EADDRINUSE':
      return wrongSetting('The port is taken. Stop the program that uses it, or choose another with --port (PORT).')
    case 'EADDRNOTAVAIL':
      return wrongSetting('This machine does not have that address. Write another with --host (HOST).')
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'ENOSPC':
      return wrongSetting(
        message.includes('listen')
          ? 'This user may not listen on that port. Choose one above 1023 with --port (PORT).'
          : `The data folder cannot be used (${message}). Choose another with --data (TIDEMARK_DATA).`,
      )
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EHOSTUNREACH':
    case 'ETIMEDOUT':
      return databaseAway(message)
  }
  const state = sqlState(error)
  if (state !== null && !connectionClasses.has(state.slice(0, 2))) return databaseRefused(message, state)
  if (state !== null || /timeout/i.test(message)) return databaseAway(message)
  return new TidemarkError('internal', `Tidemark could not start: ${message}`)
}

/** SQLSTATE classes of a connection that does not come about: its own, sign-in, no such database, full, shutting down. */
const connectionClasses = new Set(['08', '28', '3D', '53', '57'])

function facts(error: unknown): { code: unknown; message: string } {
  // a name with several addresses fails with one error for each, and no message of its own
  if (error instanceof AggregateError && error.errors.length > 0) return facts(error.errors[0])
  if (!(error instanceof Error)) return { code: null, message: String(error) }
  return { code: 'code' in error ? error.code : null, message: error.message.split('\n')[0] ?? '' }
}

function wrongSetting(message: string): TidemarkError {
  return new TidemarkError('configuration-invalid', message)
}

function databaseRefused(message: string, state: string): TidemarkError {
  return new TidemarkError(
    'storage-unavailable',
    `The database is there and refused a statement at the start (${message}, SQLSTATE ${state}). Its own log says more.`,
  )
}

function databaseAway(message: string): TidemarkError {
  return new TidemarkError(
    'storage-unavailable',
    `The database does not take connections (${message}). Start it, or correct DATABASE_URL.`,
  )
}
