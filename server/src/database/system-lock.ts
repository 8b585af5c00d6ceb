import { statSync } from 'node:fs'

/** A lock of the operating system on a file: it ends with its process, however that ends. */
export interface SystemLock {
  /** Whether the file that is locked is still the one under this path, and not a new one in a folder made anew. */
  isInPlace(): boolean
  release(): void
}

/** SQLite's result codes (sqlite.org/rescode.html) without their extensions. */
const busy = 5
const readOnly = 8
const cannotOpen = 14
const notADatabase = 26

/**
 * For how long SQLite tries again, in ms. Of several that ask in one millisecond each can keep the others away for a
 * moment, and without a second try none would get it.
 */
const patience = 100

export type LockRefusal = 'held' | 'not-writable' | 'not-a-lock' | 'not-lockable'

/**
 * Locks a file by an exclusive transaction of SQLite, which comes with Node and locks files with `fcntl` or, on Windows,
 * `LockFileEx`. Node itself cannot. Such a lock holds between containers that share a volume, whatever their process
 * numbers are. Nothing is ever written to the file, and nobody here may open it in another way: closing it would
 * end the lock.
 */
export function lockFile(path: string): SystemLock | LockRefusal {
  let database: ReturnType<typeof open> | null = null
  try {
    database = open(path)
    database.exec('begin exclusive')
  } catch (error) {
    database?.close()
    return refusalOf(error)
  }
  const held = database
  const before = identityOf(path)
  let released = false
  return {
    isInPlace: () => !released && before !== null && identityOf(path) === before,
    release() {
      if (!released) held.close()
      released = true
    },
  }
}

function open(path: string) {
  const { DatabaseSync } = sqlite()
  return new DatabaseSync(path, { timeout: patience })
}

/** Node 22 warns once that SQLite is experimental, which a person who starts a server can do nothing about. */
function sqlite(): typeof import('node:sqlite') {
  const emitWarning = process.emitWarning
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).includes('SQLite is an experimental feature')) return
    Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}

function refusalOf(error: unknown): LockRefusal {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) & 0xff : null
  if (code === null) throw error
  if (code === busy) return 'held'
  if (code === cannotOpen || code === readOnly) return 'not-writable'
  return code === notADatabase ? 'not-a-lock' : 'not-lockable'
}

function identityOf(path: string): string | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat ? `${stat.dev}:${stat.ino}` : null
}
