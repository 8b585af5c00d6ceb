import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { Unstorable } from './unstorable.ts'

const ends = (client: number, end: number) => ({ ends: new Map([[client, end]]) })

function documentOf(lengths: Record<number, number>): Y.Doc {
  const doc = new Y.Doc()
  for (const [client, length] of Object.entries(lengths)) {
    doc.clientID = Number(client)
    doc.getText('text').insert(0, 'x'.repeat(length))
  }
  return doc
}

test('[R6.14] what could not be stored is held back, ever longer; what was stored and what is new is not', () => {
  const unstorable = new Unstorable()
  const stored = documentOf({ 1: 5, 2: 5 })
  unstorable.failed('plan', documentOf({ 1: 5, 2: 9 }))
  expect(unstorable.heldUntil('plan', null, ends(2, 9), 0), 'not compared yet').toBe(1_000)
  expect(unstorable.heldUntil('plan', stored, ends(2, 9), 0)).toBe(1_000)
  expect(unstorable.heldUntil('plan', stored, ends(2, 12), 500), 'what stands on it').toBe(1_000)
  expect(unstorable.heldUntil('plan', stored, ends(2, 5), 500), 'what is stored').toBeNull()
  expect(unstorable.heldUntil('plan', stored, ends(1, 9), 500), 'another writer').toBeNull()
  expect(unstorable.heldUntil('other', stored, ends(2, 9), 500), 'another document').toBeNull()
  let now = 1_000
  for (const delay of [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]) {
    expect(unstorable.heldUntil('plan', stored, ends(2, 9), now), 'one try').toBeNull()
    unstorable.failed('plan', documentOf({ 1: 5, 2: 9 }))
    expect(unstorable.heldUntil('plan', stored, ends(2, 9), now)).toBe(now + delay)
    now += delay
  }
})

test('[R6.14] several writers are tried apart, and who can be stored is free', () => {
  const unstorable = new Unstorable()
  const stored = documentOf({ 1: 5, 2: 5, 3: 5 })
  unstorable.failed('plan', documentOf({ 1: 6, 2: 9, 3: 7 }))
  const untils = [1, 2, 3].map((client) => unstorable.heldUntil('plan', stored, ends(client, 20), 0))
  expect(new Set(untils).size).toBe(3)
  // 1 and 3 are stored meanwhile; 2 fails again, alone
  const later = documentOf({ 1: 6, 2: 5, 3: 7 })
  unstorable.failed('plan', documentOf({ 1: 6, 2: 9, 3: 7 }))
  expect(unstorable.heldUntil('plan', later, ends(2, 9), 3_000)).toBe(5_000)
  for (const client of [1, 3]) expect(unstorable.heldUntil('plan', later, ends(client, 20), 3_000)).toBeNull()
})
