import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { container, hasContainers } from '../../../test/helpers/container.ts'
import type { Answer, Order } from '../../../test/helpers/lock-contender.ts'
import { until } from '../../../test/helpers/until.ts'
import { lockFolder } from './folder-lock.ts'
import { judge, readNote } from './note-of-owner.ts'

let folder: string
const children: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-lock-'))
})

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const inUse = expect.objectContaining({ code: 'data-folder-in-use' })
const contender = new URL('../../../test/helpers/lock-contender.ts', import.meta.url)

/** @param launcher what starts it instead of the system */
async function startContender(launcher: readonly string[] = []): Promise<ChildProcess> {
  const [program = process.execPath, ...words] = [...launcher, process.execPath, fileURLToPath(contender)]
  const child = spawn(program, words, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  children.push(child)
  expect(await answerOf(child)).toBe('ready')
  return child
}

function answerOf(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code, signal) => reject(new Error(`the contender ended (${code ?? signal})`)))
  })
}

function order(child: ChildProcess, message: Order): Promise<Answer> {
  child.removeAllListeners('exit')
  const answer = answerOf(child)
  child.send(message)
  return answer
}

const tryToLock = (child: ChildProcess, at = 0): Promise<Answer> => order(child, { do: 'lock', folder, at })

async function kill9(child: ChildProcess): Promise<void> {
  child.removeAllListeners('exit')
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

/** The note as a server of the first version left it. */
const leaveOldNote = (pid: number, start: string) => writeFileSync(join(folder, 'tidemark.lock'), `${pid} ${start}\n`)

describe('[R7.4] one process at a time uses a data folder', () => {
  test('a second lock in the same process is refused, under another path too, and costs the first nothing', async () => {
    const lock = lockFolder(folder)
    const link = join(folder, 'link')
    symlinkSync(folder, link)
    expect(() => lockFolder(folder)).toThrow(inUse)
    expect(() => lockFolder(link)).toThrow(inUse)
    const other = await startContender()
    expect(await tryToLock(other)).toEqual({ refused: 'data-folder-in-use' })
    lock.release()
    lock.release()
    expect(await tryToLock(other)).toBe('locked')
    expect(() => lockFolder(folder)).toThrow(inUse)
  })

  test('the message names the process that has it', () => {
    const lock = lockFolder(folder)
    expect(() => lockFolder(folder)).toThrow(`process ${process.pid}`)
    lock.release()
  })

  test('kill -9 frees it at once', async () => {
    const owner = await startContender()
    expect(await tryToLock(owner)).toBe('locked')
    expect(() => lockFolder(folder)).toThrow(inUse)
    await kill9(owner)
    lockFolder(folder).release()
  })

  test('two containers that share it are both process 1: the second is refused, and gets it when the first is killed', async () => {
    if (!hasContainers()) return
    const one = await startContender(container)
    const other = await startContender(container)
    expect(await tryToLock(one)).toBe('locked')
    expect(readNote(join(folder, 'tidemark.lock'))?.pid, 'it is process 1').toBe(1)
    expect(await tryToLock(other)).toEqual({ refused: 'data-folder-in-use' })
    expect(() => lockFolder(folder)).toThrow(inUse)
    await kill9(one)
    await until('it is free', async () => (await tryToLock(other)) === 'locked')
    expect(() => lockFolder(folder)).toThrow(inUse)
  })

  test('a container does not take over what an earlier version may hold in another one', async () => {
    if (!hasContainers()) return
    const inside = await startContender(container)
    leaveOldNote(1, '4711')
    expect(await tryToLock(inside)).toEqual({ refused: 'data-folder-in-use' })
    expect(readNote(join(folder, 'tidemark.lock'))).toEqual({ pid: 1, start: '4711', isOurs: false })
    rmSync(join(folder, 'tidemark.lock'))
    expect(await tryToLock(inside)).toBe('locked')
  })

  test.each([
    { what: 'with nothing in it', leftover: null },
    { what: 'that was left by kill -9', leftover: '999999 1 system-lock\n' },
    { what: 'that was left by kill -9 of an earlier version', leftover: '999999 1\n' },
    { what: 'with an empty note, cut off by a crash', leftover: '' },
  ])('of many starts in one millisecond on a folder $what exactly one gets it', { timeout: 60_000 }, async (given) => {
    const { leftover } = given
    // inside a container nobody can tell whether the server of an earlier version is gone
    const undecided = leftover === '999999 1\n' && judge({ pid: 999_999, start: '1', isOurs: false }) === 'unknown'
    const contenders = await Promise.all(Array.from({ length: 4 }, () => startContender()))
    for (let round = 0; round < 30; round += 1) {
      if (leftover !== null) writeFileSync(join(folder, 'tidemark.lock'), leftover)
      const at = Date.now() + 8
      const answers = await Promise.all(contenders.map((child) => tryToLock(child, at)))
      expect(answers.filter((answer) => answer === 'locked').length, `round ${round}: ${JSON.stringify(answers)}`).toBe(
        undecided ? 0 : 1,
      )
      await Promise.all(contenders.map((child) => order(child, { do: 'release' })))
    }
  })

  test('a folder that was deleted and made anew is not held any more, and its new owner loses nothing', () => {
    const first = lockFolder(folder)
    expect(first.isHeld()).toBe(true)
    renameSync(folder, `${folder}-away`)
    expect(first.isHeld()).toBe(false)
    mkdirSync(folder)
    const second = lockFolder(folder)
    expect(first.isHeld()).toBe(false)
    first.release()
    expect(second.isHeld()).toBe(true)
    expect(readNote(join(folder, 'tidemark.lock'))?.pid).toBe(process.pid)
    second.release()
    rmSync(`${folder}-away`, { recursive: true })
  })

  test('a lock whose file was deleted is not held any more', () => {
    const lock = lockFolder(folder)
    rmSync(join(folder, 'tidemark-lock.sqlite'))
    expect(lock.isHeld()).toBe(false)
    lock.release()
  })

  test('what cannot be locked is said', () => {
    mkdirSync(join(folder, 'tidemark-lock.sqlite'))
    expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: 'configuration-invalid' }))
    rmSync(join(folder, 'tidemark-lock.sqlite'), { recursive: true })
    writeFileSync(join(folder, 'tidemark-lock.sqlite'), 'somebody’s notes '.repeat(100))
    expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: 'configuration-invalid' }))
  })
})

describe('[R7.4] the note of a server of the first version', () => {
  const note = { pid: 1, start: '4711', isOurs: false }

  test('is respected while that server can be seen', () => {
    const stat = process.platform === 'linux' ? readFileSync('/proc/self/stat', 'utf8') : ''
    leaveOldNote(process.pid, stat.split(') ')[1]?.split(' ')[19] ?? '')
    expect(() => lockFolder(folder)).toThrow(inUse)
    rmSync(join(folder, 'tidemark.lock'))
    lockFolder(folder).release()
  })

  test.each([
    { seen: true, isWhole: true, verdict: 'runs' },
    { seen: true, isWhole: false, verdict: 'runs' },
    { seen: false, isWhole: true, verdict: 'gone' },
    { seen: false, isWhole: false, verdict: 'unknown' },
  ])('seen: $seen, all processes visible: $isWhole → $verdict', ({ seen, isWhole, verdict }) => {
    expect(judge(note, { isWhole, sees: () => seen })).toBe(verdict)
  })

  test('keeps such a server away while ours runs, and goes with it', () => {
    const lock = lockFolder(folder)
    const [pid, start] = readFileSync(join(folder, 'tidemark.lock'), 'utf8').split(' ')
    expect(pid).toBe(`${process.pid}`)
    expect(start).toMatch(/^\d+$/)
    lock.release()
    expect(readNote(join(folder, 'tidemark.lock'))).toBeNull()
  })
})
