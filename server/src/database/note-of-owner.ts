import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, unlinkSync, writeSync } from 'node:fs'

/**
 * The file by which servers of the first version locked a folder: their process number and, on Linux, its start in the
 * kernel's ticks. We write it too, with a third word, to keep such a server away and to say who is there.
 */
export interface Note {
  readonly pid: number
  readonly start: string
  /** Whoever wrote it also holds the system's lock, so the note itself decides nothing. */
  readonly isOurs: boolean
}

const ourMark = 'system-lock'

export function readNote(path: string): Note | null {
  try {
    const [pid = '', start = '', mark = ''] = readFileSync(path, 'utf8').trim().split(' ')
    return /^\d+$/.test(pid) ? { pid: Number(pid), start, isOurs: mark === ourMark } : null
  } catch {
    return null
  }
}

/** @returns whether it was written; somebody else's stands there otherwise */
export function writeNote(path: string): boolean {
  let file: number
  try {
    file = openSync(path, 'wx')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  writeSync(file, `${process.pid} ${startOf(String(process.pid)) ?? '0'} ${ourMark}\n`)
  closeSync(file)
  return true
}

export function removeNote(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // somebody was quicker, or took the folder away
  }
}

/** What a process sees of others: in a container, not those of the machine and of other containers. */
export interface View {
  /** All processes of the machine can be seen, by the numbers they have in their own namespaces. */
  readonly isWhole: boolean
  /** Whether a process that calls itself by this number, and started then, can be seen. */
  sees(note: Note): boolean
}

/**
 * Whether the server of the first version that wrote the note still runs. From inside a container nobody can tell whether one in
 * another container does: then it is unknown, and never "gone".
 */
export function judge(note: Note, view: View = viewOfThisProcess()): 'runs' | 'gone' | 'unknown' {
  if (view.sees(note)) return 'runs'
  return view.isWhole ? 'gone' : 'unknown'
}

/** The kernel's fixed number of the first namespace of processes (PROC_PID_INIT_INO). */
const firstNamespace = 'pid:[4026531836]'

export function viewOfThisProcess(): View {
  if (process.platform !== 'linux') return { isWhole: true, sees: ({ pid }) => answersToSignals(pid) }
  return {
    isWhole: isInFirstNamespace(),
    sees: ({ pid, start }) =>
      readdirSync('/proc').some((name) => {
        if (!/^\d+$/.test(name) || !numbersOf(name).includes(pid)) return false
        return start === '' || startOf(name) === start
      }),
  }
}

function answersToSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function isInFirstNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/pid') === firstNamespace
  } catch {
    return false
  }
}

/** The numbers of a process, in our namespace and in those below it. */
function numbersOf(name: string): number[] {
  try {
    const line = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]
    return (line ?? name).split(/\s+/).map(Number)
  } catch {
    return []
  }
}

function startOf(name: string): string | null {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
