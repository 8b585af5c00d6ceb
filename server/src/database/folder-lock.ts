import { closeSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { TidemarkError } from '@tidemark/shared'

/**
 * Makes this process the only one that uses a PGlite folder (R7.4): two of them would corrupt it.
 * The lock is a file holding the owner's process id; one left behind by kill -9 is taken over.
 * @returns a function that gives the folder back
 * @throws {TidemarkError} `data-folder-in-use`
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'tidemark.lock')
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const file = openSync(path, 'wx')
      writeSync(file, `${process.pid} ${startOf(process.pid) ?? ''}\n`)
      closeSync(file)
      let held = true
      return () => {
        if (held) unlinkSync(path)
        held = false
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = ownerOf(path)
      if (owner !== null && isAlive(owner)) {
        throw new TidemarkError(
          'data-folder-in-use',
          `Another Tidemark server (process ${owner.pid}) uses the data folder ${folder}. ` +
            'Stop it, choose another folder with --data, or use a Postgres server (DATABASE_URL) for several.',
        )
      }
      try {
        unlinkSync(path)
      } catch {
        // somebody else was quicker; the next attempt finds out who
      }
    }
  }
  throw new TidemarkError('data-folder-in-use', `The data folder ${folder} could not be locked (${path}).`)
}

interface Owner {
  pid: number
  /** When that process started, in the kernel's ticks: tells a living owner from another process with its old id. */
  start: string
}

function ownerOf(path: string): Owner | null {
  try {
    const [pid = '', start = ''] = readFileSync(path, 'utf8').trim().split(' ')
    return /^\d+$/.test(pid) ? { pid: Number(pid), start } : null
  } catch {
    return null
  }
}

function isAlive({ pid, start }: Owner): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const startNow = startOf(pid)
  return startNow === null || start === '' || startNow === start
}

function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
