import { type Clock, systemClock } from '@tidemark/shared'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { until } from '../../../test/helpers/until.ts'
import { type Database, openDatabase, type Statement } from '../database/database.ts'
import { Journal } from './journal.ts'
import { bytesOf, durableAfter, openJournal, openLine, storedTexts } from './testing.ts'

let url: string
let database: Database

beforeAll(async () => {
  url = await freshDatabase()
  database = await openDatabase({ databaseUrl: url }, () => {})
})

afterAll(async () => {
  await database.close()
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** How late timers are in this process, all together: as much as a busy machine takes. @returns says it, in ms, and ends */
function lateness(): () => number {
  let total = 0
  let isOver = false
  const measure = async () => {
    while (!isOver) {
      const began = performance.now()
      await pause(20)
      total += performance.now() - began - 20
    }
  }
  void measure()
  return () => {
    isOver = true
    return total
  }
}

test('[R5.5] [R6.18] whoever stands in line behind a trouble of others hears in time that it waits', async () => {
  const [troubled, behind] = [await openLine(database, 'troubled'), await openLine(database, 'behind')]
  const writer = {
    async run<Row>(statement: Statement, values: readonly unknown[]) {
      const isTroubled = values[0] === `{${troubled.documentId}}`
      // each answer comes soon enough, and all of them together do not
      if (isTroubled) await pause(250)
      if (isTroubled) throw Object.assign(new Error('invalid page'), { code: 'XX001' })
      if (values[0] === '{}') await pause(600)
      return await database.writer.run<Row>(statement, values)
    },
  }
  const { journal, told } = openJournal({ ...database, writer })
  journal.append(troubled, bytesOf('first'), null)
  await pause(10)
  journal.append(behind, bytesOf('behind it'), null)
  const appended = performance.now()
  const late = lateness()
  await until('both are told', () => told.length > 1)
  expect(performance.now() - appended).toBeLessThan(2_000 + late())
  expect(told).toEqual(['troubled waits', 'behind waits'])
  expect(await durableAfter(behind)).toBeLessThan(2_000)
  expect(told).toEqual(['troubled waits', 'behind waits', 'behind goes on'])
  await journal.close(0)
})

test('[W3] a journal that is closed while the database is asked leaves no timer behind', async () => {
  const line = await openLine(database, 'left')
  const waiting = new Set<() => void>()
  const clock: Clock = {
    ...systemClock,
    after(delay, callback) {
      const cancel = systemClock.after(delay, () => {
        waiting.delete(callback)
        callback()
      })
      waiting.add(callback)
      return () => {
        waiting.delete(callback)
        cancel()
      }
    },
  }
  let answer = (): void => {}
  const writer = {
    async run<Row>(): Promise<Row[]> {
      await new Promise<void>((resolve) => (answer = resolve))
      throw Object.assign(new Error('gone'), { code: '08006' })
    },
  }
  const journal = new Journal({ ...database, writer }, { windowMs: 0, queuedBytes: 2 ** 26 }, clock, () => {})
  journal.append(line, bytesOf('never stored'), null)
  await pause(20)
  // the commit has failed, and the database is asked whether it is there
  answer()
  await pause(20)
  expect(waiting.size).toBeGreaterThan(0)
  expect(await journal.close(0)).toBe(1)
  expect(waiting.size).toBe(0)
})

test('[R1.1] [R6.18] what was queued when its document began to wait by itself is stored before what came later', async () => {
  const line = await openLine(database, 'apart')
  let proceed = (): void => {}
  const asked = new Promise<void>((resolve) => (proceed = resolve))
  const writer = {
    async run<Row>(statement: Statement, values: readonly unknown[]) {
      if (statement.name === 'tidemark-journal-commit') await asked
      return await database.writer.run<Row>(statement, values)
    },
  }
  // long enough that the writer of all documents does not come back in between
  const options = { windowMs: 5_000, queuedBytes: 2 ** 26 }
  const journal = new Journal({ ...database, writer }, options, systemClock, () => {})
  const holder = new pg.Client({ connectionString: url })
  await holder.connect()
  await holder.query('begin')
  await holder.query('select from tidemark_store.documents where id = $1 for update', [line.documentId])

  journal.append(line, bytesOf('first'), null)
  await pause(20)
  journal.append(line, bytesOf('queued'), null)
  const storedAtAck = new Promise<string[]>((resolve) =>
    line.whenDurable(() => void storedTexts(database, line).then(resolve)),
  )
  proceed()
  // the row is held: it waits by itself by now
  await pause(100)
  journal.append(line, bytesOf('later'), null)
  await holder.end()

  expect(await storedAtAck).toEqual(expect.arrayContaining(['first', 'queued']))
  await journal.drain()
  expect(await storedTexts(database, line)).toEqual(['first', 'queued', 'later'])
  await journal.close(1_000)
})
