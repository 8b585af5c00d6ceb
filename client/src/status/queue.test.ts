import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyQueue, first, last, push, type Queue, shift } from './queue.ts'

const itemsOf = <Item>({ list, from, to }: Queue<Item>) => list.slice(from, to)

test('a queue does what a list does, and stays what it was when others go on from it', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ at: fc.nat(), push: fc.boolean() }), { maxLength: 80 }), (steps) => {
      let queues: { queue: Queue<number>; items: number[] }[] = [{ queue: emptyQueue, items: [] }]
      for (const [index, step] of steps.entries()) {
        const { queue, items } = queues[step.at % queues.length]!
        queues = [
          ...queues,
          step.push
            ? { queue: push(queue, index), items: [...items, index] }
            : { queue: shift(queue), items: items.slice(1) },
        ]
        for (const { queue, items } of queues) {
          expect(itemsOf(queue)).toEqual(items)
          expect([first(queue), last(queue)]).toEqual([items[0], items.at(-1)])
        }
      }
    }),
  )
})

test('[D3.8] ten thousand pushes share one list, and what was taken is not kept', () => {
  let queue: Queue<number> = push(push(emptyQueue, 0), 1)
  const { list } = queue
  for (let item = 2; item < 10_000; item++) queue = push(queue, item)
  expect(queue.list).toBe(list)
  for (let item = 0; item < 9_000; item++) queue = shift(queue)
  queue = push(queue, 10_000)
  expect(queue.list.length).toBe(1_001)
  expect([first(queue), last(queue)]).toEqual([9_000, 10_000])
})
