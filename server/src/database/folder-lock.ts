import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { TidemarkError } from '@tidemark/shared'
import { judge, readNote, removeNote, writeNote } from './note-of-owner.ts'
import { type LockRefusal, lockFile, type SystemLock } from './system-lock.ts'

export interface FolderLock {
  /**
   * Whether this process still owns what is under the folder's path. It does not when somebody took the folder, or the lock's
   * file, away: another process may have locked a new one.
   */
  isHeld(): boolean
  release(): void
}

/**
 * Makes this process the only one that uses a PGlite folder (R7.4): two of them would destroy it. The lock is the operating
 * system's, so one that was left behind by kill -9 does not exist, and nobody has to judge whether it is stale.
 * @throws {TidemarkError} `data-folder-in-use`; `configuration-invalid` where the folder cannot be locked
 */
export function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true })
  accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  const lock = lockFile(join(folder, 'tidemark-lock.sqlite'))
  const note = join(folder, 'tidemark.lock')
  if (typeof lock === 'string') throw refusal(lock, folder, note)
  try {
    takeNote(folder, note)
  } catch (error) {
    lock.release()
    throw error
  }
  return {
    isHeld: () => lock.isInPlace(),
    release: () => release(lock, note),
  }
}

function release(lock: SystemLock, note: string): void {
  // in a folder that was made anew the note is somebody else's
  if (lock.isInPlace()) removeNote(note)
  lock.release()
}

/** A server of the first version knows nothing of the system's lock, and has only its note. */
function takeNote(folder: string, path: string): void {
  for (let attempt = 0; attempt < 3; attempt++) {
    if (writeNote(path)) return
    const note = readNote(path)
    if (note && !note.isOurs) {
      const state = judge(note)
      if (state === 'runs') throw inUse(folder, `process ${note.pid}`)
      if (state === 'unknown') throw undecided(folder, path, note.pid)
    }
    removeNote(path)
  }
  throw inUse(folder, 'which starts at this moment')
}

function refusal(kind: LockRefusal, folder: string, note: string): TidemarkError {
  const path = join(folder, 'tidemark-lock.sqlite')
  switch (kind) {
    case 'held': {
      const owner = readNote(note)
      return inUse(folder, owner ? `process ${owner.pid} of its machine or container` : 'which just started')
    }
    case 'not-writable':
      return new TidemarkError(
        'configuration-invalid',
        `The file ${path} cannot be written. Give this user the data folder, or choose another with --data (TIDEMARK_DATA).`,
      )
    case 'not-a-lock':
      return new TidemarkError(
        'configuration-invalid',
        `${path} is not Tidemark's lock. Choose another data folder with --data (TIDEMARK_DATA), or take that file away.`,
      )
    case 'not-lockable':
      return new TidemarkError(
        'configuration-invalid',
        `The file system of the data folder ${folder} cannot lock files, so two servers could destroy it. ` +
          'Choose a folder on a local disk with --data (TIDEMARK_DATA), or use a Postgres server (DATABASE_URL).',
      )
  }
}

function inUse(folder: string, owner: string): TidemarkError {
  return new TidemarkError(
    'data-folder-in-use',
    `Another Tidemark server (${owner}) uses the data folder ${folder}. ` +
      'Stop it, choose another folder with --data, or use a Postgres server (DATABASE_URL) for several.',
  )
}

function undecided(folder: string, path: string, pid: number): TidemarkError {
  return new TidemarkError(
    'data-folder-in-use',
    `A Tidemark server of an earlier version (process ${pid}) locked the data folder ${folder}, and from inside this container ` +
      `nobody can tell whether it still runs in another. Make sure that it does not, delete ${path}, and start again.`,
  )
}
