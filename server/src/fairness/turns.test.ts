import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Participant, Turns } from './turns.ts'

function world() {
  const time = { now: 0 }
  const turns = new Turns(() => time.now)
  const done: string[] = []
  const waits: string[] = []
  const named = (name: string) => {
    const participant = new Participant((isWaiting) => waits.push(`${name} ${isWaiting ? 'waits' : 'is read'}`))
    let count = 0
    /** Something that takes so long, in ms. */
    const asks = (ms: number) => {
      const what = `${name}${count++}`
      turns.enter(participant, () => {
        time.now += ms
        done.push(what)
      })
    }
    return asks
  }
  return { time, turns, done, waits, named }
}

describe('[R6.41] what comes in at once is done in turns', () => {
  test('one alone, and a few, are done at once', () => {
    const { named, done, waits } = world()
    const ada = named('ada')
    for (let count = 0; count < 32; count++) ada(0.1)
    expect(done).toHaveLength(32)
    expect(waits).toEqual([])
  })

  test('of one who sends thousands some are done in each turn, in their order, and nothing more is read meanwhile', async () => {
    const { named, done, waits } = world()
    const eve = named('eve')
    for (let count = 0; count < 2_000; count++) eve(0)
    expect(done).toHaveLength(32)
    expect(waits).toEqual(['eve waits'])
    let turns = 0
    for (; done.length < 2_000; turns++) {
      const before = done.length
      await setImmediate()
      expect(done.length - before).toBeLessThanOrEqual(64 + 32)
    }
    expect(turns).toBeGreaterThan(20)
    expect(done).toEqual(Array.from({ length: 2_000 }, (_, index) => `eve${index}`))
    expect(waits).toEqual(['eve waits', 'eve is read'])
  })

  test('what takes long ends the turn for all', async () => {
    const { named, done } = world()
    const many = Array.from({ length: 50 }, (_, index) => named(`${index}-`))
    for (const asks of many) asks(4)
    expect(done).toHaveLength(3)
    await setImmediate()
    expect(done.length).toBeLessThanOrEqual(6)
    while (done.length < 50) await setImmediate()
  })

  test('of those who wait, whoever took least lately comes first', async () => {
    const { named, done } = world()
    const [eve, mallory, ada] = [named('eve'), named('mallory'), named('ada')]
    for (let count = 0; count < 20; count++) eve(3)
    for (let count = 0; count < 20; count++) mallory(3)
    ada(0.1)
    expect(done).not.toContain('ada0')
    await setImmediate()
    expect(done.slice(4, 7)).toContain('ada0')
    while (done.length < 41) await setImmediate()
  })

  test('what somebody took is forgotten by and by', () => {
    const eve = new Participant()
    eve.take(100, 0)
    expect(eve.taken(1_000)).toBe(50)
    eve.take(10, 2_000)
    expect(eve.taken(2_000)).toBe(35)
    expect(eve.taken(60_000)).toBeLessThan(0.01)
  })

  test('what fails holds up nobody', async () => {
    const { turns, named, done } = world()
    const eve = new Participant()
    const failing = () => {
      throw new Error('broken')
    }
    expect(() => turns.enter(eve, failing)).toThrow('broken')
    const ada = named('ada')
    for (let count = 0; count < 40; count++) ada(1)
    while (done.length < 40) await setImmediate()
  })
})
