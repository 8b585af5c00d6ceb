import { expect, test } from 'vitest'
import { MessageLimit } from './message-limit.ts'

test('[R6.6] while nothing is known, messages are divided, and anything may be sent', () => {
  const limit = new MessageLimit()
  expect(limit.part).toBe(1 << 20)
  expect(limit.most).toBe(Number.POSITIVE_INFINITY)
})

test('[R6.6] what the server says holds, however little', () => {
  const limit = new MessageLimit()
  limit.said(5_000)
  expect([limit.part, limit.most]).toEqual([5_000, 5_000])
  limit.said(1_024)
  expect([limit.part, limit.most]).toEqual([1_024, 1_024])
})

test('[R6.6] each refusal teaches something, until a line refuses whatever it is given', () => {
  const limit = new MessageLimit()
  expect(limit.refused(1 << 20)).toBe(true)
  expect([limit.part, limit.most]).toEqual([1 << 18, (1 << 20) - 1])
  expect(limit.refused(1 << 20)).toBe(false)
  let refusals = 0
  while (limit.refused(limit.part)) refusals++
  expect(refusals).toBeLessThan(10)
  expect(limit.refused(100)).toBe(false)
  expect(limit.part).toBeGreaterThan(0)
  expect(limit.part).toBeLessThanOrEqual(limit.most)
})
