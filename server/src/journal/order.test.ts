import { systemClock } from '@tidemark/shared'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { type Database, openDatabase, type Statement } from '../database/database.ts'
import { Journal } from './journal.ts'
import { bytesOf, openLine, storedTexts } from './testing.ts'

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
