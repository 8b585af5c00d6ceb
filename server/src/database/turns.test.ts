import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

test('[R7.11] one at a time, in order, and the journal before everybody else who waits', async () => {
  const turns = new Turns()
  const order: string[] = []
  let inside = 0
  const visit = async (name: string, urgent: boolean) => {
    const end = await turns.take({ urgent })
    inside += 1
    expect(inside).toBe(1)
    order.push(name)
    await new Promise((resolve) => setTimeout(resolve, 1))
    inside -= 1
    end()
    end()
  }
  const first = visit('load 1', false)
  await Promise.all([first, visit('load 2', false), visit('load 3', false), visit('edit', true)])
  await visit('later', false)
  expect(order).toEqual(['load 1', 'edit', 'load 2', 'load 3', 'later'])
})
