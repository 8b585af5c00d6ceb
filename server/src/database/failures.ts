/**
 * What a failed statement means for the edits it carried.
 * - `data`: these very rows can never be stored (R6.2); the rest of their batch can.
 * - `conflict`: another node was in the way (a deadlock, a serialization failure); the same again will do.
 * - `transient`: anything else, from a lost connection to a full disk or a wrong schema: keep the edits, try again.
 */
export type DatabaseFailure = 'data' | 'conflict' | 'transient'

/** SQLSTATE classes (PostgreSQL manual, appendix A) that speak of the rows and not of the database. */
const dataClasses = new Set(['22', '23', '54'])

/** serialization_failure, deadlock_detected */
const conflicts = new Set(['40001', '40P01'])

export function classify(error: unknown): DatabaseFailure {
  const state = sqlState(error)
  if (state === null) return 'transient'
  if (dataClasses.has(state.slice(0, 2))) return 'data'
  return conflicts.has(state) ? 'conflict' : 'transient'
}

/**
 * The prepared statement that a connection remembers is not there, or is there twice, or is another one: something between us
 * and Postgres shares its connections.
 */
export function isPreparedStatementLost(error: unknown): boolean {
  return ['26000', '42P05'].includes(sqlState(error) ?? '')
}

/** The five-character SQLSTATE; null for what is no database error (ECONNREFUSED, a timeout of ours). */
export function sqlState(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null
}

/** read_only_sql_transaction: the database is, or this session of it. */
export function isReadOnly(error: unknown): boolean {
  return sqlState(error) === '25006'
}

/** SQLSTATE classes that speak of the database whatever document is written: connections, transactions, rights, space, system. */
const databaseClasses = new Set(['08', '25', '28', '3D', '42', '53', '57', '58', 'F0'])

/** Whether a transient failure is one that any document would meet, as far as its code says. */
export function speaksOfDatabase(error: unknown): boolean {
  const state = sqlState(error)
  return state !== null && !isTimeout(error) && databaseClasses.has(state.slice(0, 2))
}

/** query_canceled (statement_timeout), lock_not_available (lock_timeout) */
const timeouts = new Set(['57014', '55P03'])

/** Whether the database gave up for want of time, so that one does not look for the reason by trying again and again. */
export function isTimeout(error: unknown): boolean {
  return timeouts.has(sqlState(error) ?? '')
}
