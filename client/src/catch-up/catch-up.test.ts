import { TidemarkError } from '@tidemark/shared'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FlushOptions } from '../flush.ts'
import { firstSize, inOrder, nextSize, type Priority } from './batches.ts'
import { type CatchUpProgress, catchUp } from './catch-up.ts'

const forever = { timeLeft: () => 1_000 }
const plain = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `d${at}`, priority: 2 as const }))

/** Saves at once, except what the test keeps or refuses; knows how many were under way together. */
function saver(fails: (name: string) => TidemarkError | null = () => null) {
  const batches: string[][] = []
  let isOpen = false
  return {
    batches,
    save: async (name: string, _: FlushOptions) => {
      if (!isOpen) batches.push([])
      isOpen = true
      batches.at(-1)!.push(name)
      await new Promise((resolve) => setTimeout(resolve))
      isOpen = false
      const error = fails(name)
      if (error) throw error
    },
  }
}

describe('[T4] [D3.3] batches', () => {
  test('10, then 50, then 100 while all succeed; back to 10 when one fails', () => {
    expect(firstSize).toBe(10)
    expect([10, 50, 100].map((size) => nextSize(size, true))).toEqual([50, 100, 100])
    expect([10, 50, 100].map((size) => nextSize(size, false))).toEqual([10, 10, 10])
  })

  test('300 documents, one of them refused: 10, 50, 100, 10, 50, 80', async () => {
    const { batches, save } = saver((name) => (name === 'd100' ? new TidemarkError('read-only') : null))
    const results = await catchUp(plain(300), save, forever)
    expect(batches.map(({ length }) => length)).toEqual([10, 50, 100, 10, 50, 80])
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([
      { name: 'd100', outcome: 'failed', error: expect.objectContaining({ code: 'read-only' }) },
    ])
  })

  test('each that succeeds is done at once, whatever the others do', async () => {
    const told: CatchUpProgress[] = []
    let refuse = () => {}
    const slow = new Promise<void>((_, reject) => {
      refuse = () => reject(new TidemarkError('flush-timeout'))
    })
    const done = catchUp(plain(3), (name) => (name === 'd1' ? slow : Promise.resolve()), {
      ...forever,
      onProgress: (progress) => told.push(progress),
    })
    await new Promise((resolve) => setTimeout(resolve))
    expect(told.map(({ done, total, last }) => [done, total, last.name])).toEqual([
      [1, 3, 'd0'],
      [2, 3, 'd2'],
    ])
    refuse()
    expect((await done).map(({ outcome }) => outcome)).toEqual(['saved', 'saved', 'failed'])
  })

  test('a server that answers nobody is not asked about all the rest', async () => {
    const { batches, save } = saver(() => new TidemarkError('flush-timeout'))
    const results = await catchUp(plain(1_000), save, forever)
    expect(batches.flat().length).toBe(10)
    expect(results.filter(({ outcome }) => outcome === 'failed').length).toBe(1_000)
  })

  test('what is aborted, or out of time, is not opened any more', async () => {
    const abort = new AbortController()
    const { batches, save } = saver()
    const results = await catchUp(plain(30), save, {
      ...forever,
      signal: abort.signal,
      onProgress: () => abort.abort(),
    })
    expect(batches.flat().length).toBe(10)
    expect(results.at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'flush-aborted' } })
    const late = saver()
    expect(await catchUp(plain(1), late.save, { timeLeft: () => 0 })).toMatchObject([
      { error: { code: 'flush-timeout' } },
    ])
    expect(late.batches).toEqual([])
  })

  test('[T5] in any mixture, every document is decided exactly once, the urgent before the others', async () => {
    const due = fc.array(fc.record({ priority: fc.constantFrom<Priority>(0, 1, 2), isGood: fc.boolean() }), {
      maxLength: 250,
    })
    await fc.assert(
      fc.asyncProperty(due, async (all) => {
        const documents = all.map(({ priority }, at) => ({ name: `d${at}`, priority }))
        const isGood = (name: string) => all[Number(name.slice(1))]!.isGood
        const { batches, save } = saver((name) => (isGood(name) ? null : new TidemarkError('read-only')))
        const results = await catchUp(documents, save, forever)
        expect(results.map(({ name }) => name).sort()).toEqual(documents.map(({ name }) => name).sort())
        for (const { name, outcome } of results) expect(outcome === 'saved').toBe(isGood(name))
        expect(batches.flat()).toEqual(inOrder(documents).map(({ name }) => name))
        let size = 10
        for (const [index, batch] of batches.entries()) {
          if (index < batches.length - 1) expect(batch.length).toBe(size)
          size = batch.every(isGood) ? (size === 10 ? 50 : 100) : 10
        }
      }),
      { numRuns: 50 },
    )
  })
})
