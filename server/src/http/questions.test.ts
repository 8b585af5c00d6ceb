import { describe, expect, test } from 'vitest'
import type { Page } from '../admin/catalogue.ts'
import { Turns } from '../fairness/turns.ts'
import { Questions } from './questions.ts'
import { makeApp } from './testing.ts'

/** A database that answers when the test says so. */
function makeDatabase() {
  const asked: string[] = []
  const open: (() => void)[] = []
  let underWay = 0
  let mostUnderWay = 0
  const ask = async (question: string): Promise<void> => {
    asked.push(question)
    mostUnderWay = Math.max(mostUnderWay, ++underWay)
    await new Promise<void>((resolve) => open.push(resolve))
    underWay--
  }
  /** Answers all that is asked, now and then. */
  const answer = async (): Promise<void> => {
    while (open.length > 0) {
      for (const resolve of open.splice(0)) resolve()
      await nextTurn()
    }
  }
  return { ask, asked, answer, mostUnderWay: () => mostUnderWay }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))
const nothing: Page = { documents: [], next: null }

function makeCatalogueApp() {
  const database = makeDatabase()
  const catalogue = {
    list: async ({ search }: { search: string }) => {
      await database.ask(search)
      return nothing
    },
    find: async (name: string) => {
      await database.ask(name)
      return null
    },
  }
  return { ...makeApp({ catalogue }), database }
}

describe('[W13] what HTTP asks the database', () => {
  test('hundreds who ask the same together cost three questions, and all are answered', async () => {
    const { request, database } = makeCatalogueApp()
    const answers = Array.from({ length: 500 }, () => request('/api/documents?search=plan'))
    // all of them are let in, in turns, before the first is answered
    for (let turn = 0; turn < 100; turn++) await nextTurn()
    await database.answer()
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(database.asked.length).toBeLessThanOrEqual(3)
  })

  test('different questions are asked two at a time, a hundred wait, and more are told to come again', async () => {
    const { request, database, lines } = makeCatalogueApp()
    const paths = Array.from({ length: 150 }, (_, index) =>
      index % 2 ? `/api/documents?search=${index}` : `/api/documents/document-${index}`,
    )
    const answers = paths.map((path) => request(path))
    for (let turn = 0; turn < 100; turn++) await nextTurn()
    expect(database.asked).toHaveLength(2)
    await database.answer()
    const responses = await Promise.all(answers)
    const refused = responses.filter(({ status }) => status === 503)
    expect(refused).toHaveLength(48)
    expect(refused[0]?.headers.get('retry-after')).toBe('2')
    expect(await refused[0]?.json()).toEqual({ error: { code: 'server-busy', message: expect.any(String) } })
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(51)
    expect(database.mostUnderWay()).toBe(2)
    expect(lines.join('')).toContain('server-busy')
  })

  test('who asks after a question began is not told what it had found by then', async () => {
    const { request, database } = makeCatalogueApp()
    const first = request('/api/documents')
    await nextTurn()
    const second = request('/api/documents')
    await nextTurn()
    expect(database.asked).toHaveLength(2)
    await database.answer()
    expect([(await first).status, (await second).status]).toEqual([200, 200])
  })

  test('a question that fails fails for those who share it, and the next one is asked', async () => {
    const questions = new Questions(async () => {})
    const failing = () => questions.ask('x', () => Promise.reject(new Error('away')))
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, failing))
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    expect(Buffer.from(await questions.ask('y', async () => ({ is: 'well' }))).toString()).toBe('{"is":"well"}')
  })
})

test('[R6.41] answers that come together are handed out in turns', async () => {
  let now = 0
  const turns = new Turns(() => now)
  const questions = new Questions(turns.pace().rest)
  const { ask, answer } = makeDatabase()
  const handedOut: number[] = []
  const all = Array.from({ length: 100 }, async () => {
    await questions.ask('the same', async () => {
      await ask('the same')
      return {}
    })
    handedOut[turn] = (handedOut[turn] ?? 0) + 1
    // what is made of it takes its time
    now += 1
  })
  let turn = 0
  const count = () => {
    turn++
    if (now < 100) setImmediate(count)
  }
  count()
  await answer()
  await Promise.all(all)
  expect(Math.max(...Object.values(handedOut))).toBeLessThanOrEqual(11)
})
