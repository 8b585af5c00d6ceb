import { expect, test } from 'vitest'
import { Slots } from './slots.ts'

test('[R6.18] slots let so many in at once; the others come in their order, also after one that failed', async () => {
  const slots = new Slots(2)
  const inside = new Map<string, (outcome: 'well' | 'failed') => void>()
  const holding = (name: string) =>
    slots.hold(async () => {
      const outcome = await new Promise<'well' | 'failed'>((resolve) => inside.set(name, resolve))
      inside.delete(name)
      if (outcome === 'failed') throw new Error(name)
      return name
    })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const end = async (name: string, outcome: 'well' | 'failed' = 'well') => {
    inside.get(name)?.(outcome)
    await turn()
    return [...inside.keys()].sort()
  }
  const results = ['a', 'b', 'c', 'd', 'e'].map(holding)
  const settled = Promise.allSettled(results)
  expect([...inside.keys()]).toEqual(['a', 'b'])
  expect(await end('b', 'failed')).toEqual(['a', 'c'])
  expect(await end('a')).toEqual(['c', 'd'])
  expect(await end('c')).toEqual(['d', 'e'])
  await end('d')
  expect(await end('e')).toEqual([])
  // nobody waits: both places are free again
  const more = ['f', 'g', 'h'].map(holding)
  expect([...inside.keys()].sort()).toEqual(['f', 'g'])
  for (const name of ['f', 'g', 'h']) await end(name)
  expect(await Promise.all(more)).toEqual(['f', 'g', 'h'])
  expect((await settled).map(({ status }) => status)).toEqual(
    ['a', 'b', 'c', 'd', 'e'].map((name) => (name === 'b' ? 'rejected' : 'fulfilled')),
  )
})
