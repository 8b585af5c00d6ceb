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
    for (let count = 0; count < 8; count++) ada(0.1)
    expect(done).toHaveLength(8)
    expect(waits).toEqual([])
  })

  test('of one who sends thousands some are done in each turn, in their order, and nothing more is read meanwhile', async () => {
    const { named, done, waits } = world()
    const eve = named('eve')
    for (let count = 0; count < 2_000; count++) eve(0)
    expect(done).toHaveLength(8)
    expect(waits).toEqual(['eve waits'])
    let turns = 0
    for (; done.length < 2_000; turns++) {
      const before = done.length
      await setImmediate()
      expect(done.length - before).toBeLessThanOrEqual(128 + 8)
    }
    expect(turns).toBeGreaterThan(10)
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

  test('what is done in promises counts, and is done before the next one’s turn', async () => {
    const { time, turns, done } = world()
    const [eve, ada] = [new Participant(), new Participant()]
    const asks = (participant: Participant, name: string) =>
      turns.enter(participant, async () => {
        for (let step = 0; step < 5; step++) await null
        time.now += 6
        done.push(name)
      })
    time.now += 100
    turns.enter(ada, () => {
      time.now += 10
    })
    for (let count = 0; count < 4; count++) asks(eve, `eve${count}`)
    asks(ada, 'ada')
    await setImmediate()
    // two of 6 ms end the turn; by then she has taken 6, as the other has 10
    expect(done).toEqual(['eve0', 'eve1'])
    expect(eve.taken(time.now)).toBeGreaterThan(11)
    await setImmediate()
    expect(done.slice(2)).toContain('ada')
    while (done.length < 5) await setImmediate()
  })

  test('long work goes on as far as there is time, and takes its turns among the others', async () => {
    const { time, turns, done, named } = world()
    const work = async (name: string) => {
      const pace = turns.pace()
      for (let part = 0; part < 6; part++) {
        time.now += 6
        done.push(`${name}${part}`)
        if (pace.isOver()) await pace.rest()
      }
    }
    const both = Promise.all([work('one'), work('two')])
    named('ada')(0.1)
    const turnsTaken: number[] = []
    for (let before = done.length; done.length < 13; before = done.length) {
      await setImmediate()
      turnsTaken.push(done.length - before)
    }
    await both
    expect(Math.max(...turnsTaken), 'in one turn').toBeLessThanOrEqual(3)
    expect(done.indexOf('ada0'), 'not behind all of it').toBeLessThan(9)
    expect(Math.abs(done.indexOf('one5') - done.indexOf('two5')), 'side by side').toBeLessThan(4)
  })

  test('many who took nothing yet do not shut out one who took some', async () => {
    const { time, named, done } = world()
    const ada = named('ada')
    ada(9)
    time.now += 500
    await setImmediate()
    const fresh = () => named('new')(3)
    for (let count = 0; count < 10; count++) fresh()
    ada(0.1)
    for (let turns = 0; !done.includes('ada1') && turns < 20; turns++) {
      await setImmediate()
      for (let count = 0; count < 10; count++) fresh()
    }
    expect(done).toContain('ada1')
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
