import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { readClaims } from '../sockets/claims.ts'
import { Unstorable } from './unstorable.ts'

/** Somebody's edits, one for each change, as the journal and the gate know them. */
function editsOf(clientID: number, doc: Y.Doc, ...changes: ((text: Y.Text) => void)[]) {
  const edits: ReturnType<typeof readClaims>[] = []
  const note = (update: Uint8Array) => edits.push(readClaims(update))
  doc.clientID = clientID
  doc.on('update', note)
  for (const change of changes) change(doc.getText('text'))
  doc.off('update', note)
  return edits as [ReturnType<typeof readClaims>, ...ReturnType<typeof readClaims>[]]
}

const type = (length: number) => (text: Y.Text) => text.insert(text.length, 'x'.repeat(length))
const remove = (from: number, length: number) => (text: Y.Text) => text.delete(from, length)

test('[R6.14] what could not be stored is held back, ever longer; what was stored and what is new is not', () => {
  const unstorable = new Unstorable()
  const doc = new Y.Doc()
  const [stored, refused, behind] = editsOf(1, doc, type(5), type(4), type(3))
  const [other] = editsOf(2, doc, type(5))
  unstorable.failed('plan', [refused!], 0)
  expect(unstorable.heldUntil('plan', refused!, 0)).toBe(1_000)
  expect(unstorable.heldUntil('plan', behind!, 500), 'what stands on it').toBe(1_000)
  expect(unstorable.heldUntil('plan', stored, 500), 'what is stored').toBeNull()
  expect(unstorable.heldUntil('plan', other, 500), 'another writer').toBeNull()
  expect(unstorable.heldUntil('other', refused!, 500), 'another document').toBeNull()
  let now = 1_000
  for (const delay of [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]) {
    expect(unstorable.heldUntil('plan', refused!, now), 'one try').toBeNull()
    unstorable.failed('plan', [refused!, behind!], now)
    expect(unstorable.heldUntil('plan', refused!, now)).toBe(now + delay)
    now += delay
  }
})

test('[R6.14] several writers are tried apart, and who was not at fault waits no longer for having stood beside them', () => {
  const unstorable = new Unstorable()
  const doc = new Y.Doc()
  const [one, next] = editsOf(1, doc, type(5), type(5))
  const [two] = editsOf(2, doc, type(5))
  const [three] = editsOf(3, doc, type(5))
  unstorable.failed('plan', [one, two, three], 0)
  expect([one, two, three].map((edit) => unstorable.heldUntil('plan', edit, 0))).toEqual([1_000, 1_500, 2_000])
  // 1 and 3 are stored meanwhile; 2 fails again, beside what 1 writes next
  unstorable.failed('plan', [two, next!], 3_000)
  expect(unstorable.heldUntil('plan', two, 3_000)).toBe(5_000)
  expect(unstorable.heldUntil('plan', next!, 3_000)).toBe(4_500)
  expect(unstorable.heldUntil('plan', three, 3_000)).toBeNull()
})

test('[R6.14] an edit that only deletes is held back, too; who deletes something else is free', () => {
  const unstorable = new Unstorable()
  const doc = new Y.Doc()
  editsOf(1, doc, type(10))
  const [refused, another] = editsOf(2, doc, remove(0, 3), remove(0, 3))
  unstorable.failed('plan', [refused], 0)
  expect(unstorable.heldUntil('plan', refused, 500)).toBe(1_000)
  expect(unstorable.heldUntil('plan', another!, 500)).toBeNull()
  unstorable.failed('plan', [refused], 1_000)
  expect(unstorable.heldUntil('plan', refused, 1_000)).toBe(3_000)
})

test('[R6.14] who overwrites something waits once, and with what he put in its place', () => {
  const unstorable = new Unstorable()
  const doc = new Y.Doc()
  editsOf(1, doc, type(10))
  const overwrite = (text: Y.Text) => doc.transact(() => [remove(0, 3), type(3)].forEach((change) => void change(text)))
  const [overwritten, removed] = editsOf(2, doc, overwrite, remove(0, 7))
  const [other] = editsOf(3, doc, type(1))
  unstorable.failed('plan', [overwritten, other], 0)
  expect(unstorable.heldUntil('plan', overwritten, 0)).toBe(1_000)
  expect(unstorable.heldUntil('plan', other, 0)).toBe(1_500)
  expect(unstorable.heldUntil('plan', removed!, 0), 'behind what he removed').toBeNull()
  unstorable.failed('notes', [removed!], 0)
  expect(
    unstorable.heldUntil('notes', { ends: new Map(), deletions: overwritten.deletions }, 0),
    'before it',
  ).toBeNull()
})

test('[R6.14] who holds several of them waits for the last; each that was removed counts, for itself', () => {
  const unstorable = new Unstorable()
  const doc = new Y.Doc()
  editsOf(1, doc, type(10))
  const [first, second] = editsOf(2, doc, remove(0, 2), remove(2, 2))
  const [typed, next] = editsOf(3, doc, type(1), type(1))
  unstorable.failed('plan', [typed, first, second!], 0)
  for (const edit of [first, second!]) expect(unstorable.heldUntil('plan', edit, 0)).toBe(1_500)
  const all = readClaims(Y.encodeStateAsUpdate(doc))
  expect(unstorable.heldUntil('plan', all, 0)).toBe(1_500)
  // what is typed next and removes the same is a first failure of its own
  for (const [edit, now] of [
    [typed, 2_000],
    [next!, 5_000],
  ] as const) {
    unstorable.failed('plan', [{ ...edit, deletions: first.deletions }], now)
  }
  expect(unstorable.heldUntil('plan', next!, 5_000)).toBe(6_000)
})

test('[R6.14] what was not tried waits as before when something else is refused, and is forgotten some time later', () => {
  const unstorable = new Unstorable()
  const [one] = editsOf(1, new Y.Doc(), type(5))
  const [two] = editsOf(2, new Y.Doc(), type(5))
  for (const now of [0, 1_000, 3_000]) unstorable.failed('plan', [one], now)
  unstorable.failed('plan', [two], 4_000)
  expect(unstorable.heldUntil('plan', one, 4_000)).toBe(7_000)
  expect(unstorable.heldUntil('plan', two, 4_000)).toBe(5_000)
  unstorable.failed('plan', [one], 4_500)
  const both = { ends: new Map([...one.ends, ...two.ends]), deletions: one.deletions }
  expect(unstorable.heldUntil('plan', both, 4_500), 'somebody who has both').toBe(12_500)
  unstorable.failed('plan', [two], 320_000)
  unstorable.failed('plan', [one], 320_000)
  expect(unstorable.heldUntil('plan', one, 320_000)).toBe(321_000)
})

test('[R6.14] of very many documents the one that failed first is forgotten', () => {
  const unstorable = new Unstorable()
  const [edit] = editsOf(1, new Y.Doc(), type(5))
  for (let number = 0; number <= 1_000; number++) unstorable.failed(`plan ${number}`, [edit], 0)
  expect(unstorable.heldUntil('plan 0', edit, 0)).toBeNull()
  for (const number of [1, 1_000]) expect(unstorable.heldUntil(`plan ${number}`, edit, 0)).toBe(1_000)
})

test('[R6.14] a clock that is set back makes nobody wait for longer', () => {
  const unstorable = new Unstorable()
  const [refused] = editsOf(1, new Y.Doc(), type(5))
  unstorable.failed('plan', [refused], 86_400_000)
  expect(unstorable.heldUntil('plan', refused, 0)).toBeNull()
})

/** An edit of somebody who has written nothing, and deletes ranges of client 1. */
const deleting = (ranges: readonly { clock: number; len: number }[]) => ({
  begins: new Map<number, number>(),
  ends: new Map<number, number>(),
  deletions: { clients: new Map([[1, [...ranges]]]) },
})

test('[R6.14] whatever ranges are deleted, in whatever order, an edit is held back if it deletes one of them', () => {
  const ranges = fc.array(fc.record({ clock: fc.nat(60), len: fc.integer({ min: 1, max: 6 }) }), { minLength: 1 })
  fc.assert(
    fc.property(ranges, ranges, (refused, next) => {
      const unstorable = new Unstorable()
      unstorable.failed('plan', [deleting(refused)], 0)
      const hasSame = refused.some((one) =>
        next.some((other) => one.clock < other.clock + other.len && other.clock < one.clock + one.len),
      )
      expect(unstorable.heldUntil('plan', deleting(next), 0) !== null).toBe(hasSame)
    }),
  )
})

test('[R6.14] a hundred thousand deletions that were refused, and as many again, stop nobody', () => {
  const unstorable = new Unstorable()
  const everySecond = (first: number) =>
    Array.from({ length: 100_000 }, (_, index) => ({ clock: first + 2 * index, len: 1 }))
  const began = performance.now()
  unstorable.failed('plan', [deleting(everySecond(0)), deleting(everySecond(0))], 0)
  expect(unstorable.heldUntil('plan', deleting(everySecond(1)), 0)).toBeNull()
  expect(unstorable.heldUntil('plan', deleting(everySecond(0)), 0)).not.toBeNull()
  unstorable.failed('plan', [deleting(everySecond(0))], 5_000)
  // every pair compared would take minutes
  expect(performance.now() - began).toBeLessThan(2_000)
})
