import { expect, test } from 'vitest'
import { Allowance, type Standing } from './allowance.ts'
import { DepartedPeople } from './departed.ts'
import { depthOf, encodeEntries, isFarewell, mostEntries, readEntries, readState } from './entries.ts'

const limits = { presenceStateBytes: 100, presenceStates: 3, valueDepth: 5 }
const stranger: Standing = { isOwn: false, bytes: 0, clock: 0 }
const bytesOf = (text: string) => new TextEncoder().encode(text)
const entry = (text: string, clock = 1, client = 1) => ({ client, clock, text: bytesOf(text) })
const ofSize = (bytes: number) => entry(`"${'x'.repeat(bytes - 2)}"`)

test('[R6.40] one state is bounded in size, depth and clock', () => {
  const takes = (...parameters: Parameters<Allowance['takes']>) =>
    new Allowance({ people: 3, bytes: 400 }, limits).takes(...parameters)
  expect(takes(ofSize(100), stranger)).toBe(true)
  expect(takes(ofSize(101), stranger)).toBe(false)
  expect(takes(entry('[[[[[]]]]]'), stranger)).toBe(true)
  expect(takes(entry('[[[[[[]]]]]]'), stranger)).toBe(false)
  expect(takes(entry('{}', 2 ** 26), stranger)).toBe(true)
  expect(takes(entry('{}', 2 ** 26 + 1), stranger)).toBe(false)
  expect(takes(entry('{}', 2 ** 26 + 1), { ...stranger, clock: 1 })).toBe(true)
})

test('[R6.40] a session has room for so many people, and for so many bytes of all of them', () => {
  const people = new Allowance({ people: 2, bytes: 400 }, limits)
  expect([1, 2, 3].map((client) => people.takes(entry('{}', 1, client), stranger))).toEqual([true, true, false])
  expect(people.takes(entry('{}', 1, 9), { ...stranger, isOwn: true })).toBe(true)
  const bytes = new Allowance({ people: 9, bytes: 150 }, limits)
  expect(bytes.takes(ofSize(100), stranger)).toBe(true)
  expect(bytes.takes(ofSize(60), stranger)).toBe(false)
  // one that grows by no more than there is room for
  expect(bytes.takes(ofSize(90), { isOwn: true, bytes: 40, clock: 1 })).toBe(true)
  expect(bytes.takes(ofSize(90), { isOwn: true, bytes: 89, clock: 1 })).toBe(false)
  expect(bytes.excess?.message).toContain('together')
})

test('[R6.40] one that shrinks is taken, also where there is too much already', () => {
  const full = new Allowance({ people: 0, bytes: -50 }, limits)
  expect(full.takes(ofSize(50), { isOwn: true, bytes: 90, clock: 1 })).toBe(true)
  expect(full.takes(ofSize(91), { isOwn: true, bytes: 90, clock: 1 })).toBe(false)
})

test('[R6.40] somebody who moves a thousand times in one message is read four times', () => {
  const allowance = new Allowance({ people: 1, bytes: 400 }, limits)
  const taken = Array.from({ length: 1_000 }, () => allowance.takes(ofSize(100), { isOwn: true, bytes: 100, clock: 1 }))
  expect(taken.filter(Boolean)).toHaveLength(4)
})

test('[R6.40] entries are read without a look into their states, and written as they were', () => {
  const entries = [entry('{"name":"Ada"}', 7, 42), entry('null'), entry('{broken')]
  const update = encodeEntries(entries)
  expect(readEntries(update)).toEqual(entries)
  expect(entries.map(isFarewell)).toEqual([false, true, false])
  for (let length = 0; length < update.byteLength; length++) {
    expect(() => readEntries(update.subarray(0, length))).toThrow()
  }
  expect(() => readEntries(encodeEntries(Array.from({ length: mostEntries + 1 }, () => entry('{}'))))).toThrow('20001')
})

test('[R6.40] a state is an object in JSON', () => {
  expect(readState(entry('{"a":1}'))).toBe('{"a":1}')
  for (const text of ['7', '0', '""', 'false', ' null ', '{', '']) expect(() => readState(entry(text))).toThrow()
  expect(() => readState({ client: 1, clock: 1, text: Uint8Array.of(0x22, 0xff, 0x22) })).toThrow()
})

test('[R6.40] depth is counted outside of texts', () => {
  expect([...['{}', '[{"a":[]}]', '"[[["', '{"\\"[[":{}}', '7']].map((text) => depthOf(bytesOf(text)))).toEqual([
    1, 3, 0, 2, 0,
  ])
})

test('[S7] who has left is remembered for an hour, and nobody pushes the others out', () => {
  const departed = new DepartedPeople()
  departed.note(1, { userId: 'ada', clock: 5, since: 0 })
  for (let client = 100; client < 3_000; client++) departed.note(client, { userId: 'mallory', clock: 1, since: 1 })
  expect(departed.get(1, 1_000)).toMatchObject({ userId: 'ada', clock: 5 })
  expect(departed.size).toBe(501)
  expect(departed.get(100, 1_000)).toBeNull()
  expect(departed.get(2_999, 1_000)).toMatchObject({ userId: 'mallory' })
  expect(departed.get(1, 60 * 60 * 1000 + 1)).toBeNull()
  expect(departed.size).toBe(500)
})
