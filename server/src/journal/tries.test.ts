import { systemClock } from '@tidemark/shared'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Database, Pace, Statement } from '../database/database.ts'
import { Journal } from './journal.ts'
import { JournalLine } from './line.ts'
import { patience } from './patience.ts'
import { bytesOf } from './testing.ts'

type Commit = { readonly ids: readonly number[]; readonly pace: Pace }

/** The commits that were tried, in order, and those that are under way; each stores what it brings when `act` lets it. */
class Tries {
  readonly all: Commit[] = []
  readonly underWay = new Set<Commit>()
  /** The most that were under way at once. */
  readonly most = { brief: 0, patient: 0 }
  skewMs = 0
  readonly journal: Journal
  readonly #heads = new Map<number, number>()

  constructor(act: (commit: Commit, tries: Tries) => Promise<void>) {
    const run = async (_: Statement, values: readonly unknown[], pace: Pace = 'brief'): Promise<unknown[]> => {
      const [ids, counts] = values.map((value) => String(value).slice(1, -1).split(',').map(Number))
      if (values[0] === '{}') return []
      const commit = { ids: ids as number[], pace }
      this.all.push(commit)
      this.underWay.add(commit)
      const count = [...this.underWay].filter((other) => other.pace === pace).length
      this.most[pace] = Math.max(this.most[pace], count)
      await act(commit, this).finally(() => this.underWay.delete(commit))
      return commit.ids.map((id, index) => {
        this.#heads.set(id, (this.#heads.get(id) ?? 0) + (counts?.[index] ?? 0))
        return { id, head: this.#heads.get(id), stamp: this.all.length }
      })
    }
    const database = { writer: { run } } as unknown as Database
    const clock = { ...systemClock, now: () => systemClock.now() + this.skewMs }
    this.journal = new Journal(database, { windowMs: 0, queuedBytes: 2 ** 26 }, clock, (error) => {
      throw error
    })
  }

  /** Edits of these documents in one batch: what comes first is under way by itself already. */
  append(lines: readonly JournalLine[], bytes = bytesOf('edit')): void {
    this.journal.append(lineOf(99), bytesOf('first'), null)
    for (const line of lines) this.journal.append(line, bytes, null)
  }

  get sizes(): number[] {
    return this.all.slice(1).map(({ ids }) => ids.length)
  }
}

const lineOf = (id: number) => new JournalLine({ id, name: `document ${id}`, epoch: 'epoch', revision: 0 })
const failure = (code: string) => Object.assign(new Error(code), { code })
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

let lines: JournalLine[]
beforeEach(() => {
  lines = [1, 2, 3, 4, 5, 6, 7, 8].map(lineOf)
})

describe('[R6.2] whoever is at fault for a batch that failed', () => {
  test('is found by halving: the others are committed together', async () => {
    const tries = new Tries(async ({ ids }) => {
      if (ids.includes(3)) throw failure('22021')
    })
    tries.append(lines)
    await tries.journal.drain()
    expect(tries.sizes).toEqual([8, 4, 2, 2, 1, 1, 4])
    expect(lines.filter(({ failure }) => failure).map(({ documentId }) => documentId)).toEqual([3])
    await tries.journal.close(0)
  })

  test('is looked for only after a second try, if it may have been chance; the parts have one try each', async () => {
    const tries = new Tries(async ({ ids }, { all }) => {
      if (ids.includes(3) && all.length < 9) throw failure('XX001')
    })
    tries.append(lines)
    await tries.journal.drain()
    expect(tries.sizes).toEqual([8, 8, 4, 2, 2, 1, 1, 4, 1])
    await tries.journal.close(0)
  })

  test('is not looked for where each try takes long: each document is tried by itself', async () => {
    const tries = new Tries(async ({ ids }) => {
      if (ids.length > 1) throw failure('57014')
    })
    tries.append(lines)
    await tries.journal.drain()
    expect(tries.sizes).toEqual([8, 1, 1, 1, 1, 1, 1, 1, 1])
    await tries.journal.close(0)
  })
})

describe('[R6.18] of the documents that wait by themselves', () => {
  test('two are tried at once', async () => {
    const tries = new Tries(async ({ ids }) => {
      if (ids.length > 1) throw failure('57014')
      await pause(10)
    })
    tries.append(lines)
    await tries.journal.drain()
    expect(tries.most).toEqual({ brief: 2, patient: 0 })
    await tries.journal.close(0)
  })

  test('one that is large is, in the time it needs, and takes no place of the small ones', async () => {
    let proceed = (): void => {}
    const isStored = new Promise<void>((resolve) => (proceed = resolve))
    const [large, small] = [lines.slice(0, 3), lines.slice(3)]
    const tries = new Tries(async ({ ids, pace }) => {
      if (ids.length > 1) throw failure('57014')
      if (pace === 'patient') await isStored
    })
    tries.append(large, new Uint8Array(patience.largePortionBytes))
    for (const line of small) tries.journal.append(line, bytesOf('edit'), null)
    await expect.poll(() => small.every(({ isDurable }) => isDurable), { timeout: 10_000 }).toBe(true)
    expect(tries.underWay.size).toBe(1)
    proceed()
    await tries.journal.drain()
    const patient = tries.all.filter(({ pace }) => pace === 'patient')
    expect(patient.map(({ ids }) => ids)).toEqual([[1], [2], [3]])
    expect(tries.most.patient).toBe(1)
    await tries.journal.close(0)
  })

  test('one that took long is, in the time it needs, and takes no place of the large or the quick ones', async () => {
    let proceed = (): void => {}
    const isStored = new Promise<void>((resolve) => (proceed = resolve))
    const [slow, quick, large] = [lines.slice(0, 3), lines.slice(3, 7), lines.slice(7)]
    const tries = new Tries(async ({ ids, pace }, all) => {
      const isSlow = slow.some(({ documentId }) => documentId === ids[0])
      if (ids.length > 1) throw failure('57014')
      if (isSlow && pace === 'patient') await isStored
      else if (isSlow) {
        all.skewMs += patience.slowMs + 1
        throw failure('57014')
      }
    })
    tries.append(slow)
    await expect.poll(() => tries.all.some(({ pace }) => pace === 'patient'), { timeout: 10_000 }).toBe(true)
    for (const line of quick) tries.journal.append(line, bytesOf('edit'), null)
    tries.journal.append(large[0] as JournalLine, new Uint8Array(patience.largePortionBytes), null)
    await expect.poll(() => [...quick, ...large].every(({ isDurable }) => isDurable), { timeout: 10_000 }).toBe(true)
    expect(slow.map(({ isDurable }) => isDurable)).toEqual([false, false, false])
    expect([...tries.underWay]).toMatchObject([{ pace: 'patient' }])
    proceed()
    await tries.journal.drain()
    await tries.journal.close(0)
  })
})
