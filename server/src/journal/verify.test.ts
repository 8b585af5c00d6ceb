import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, query } from '../../../test/helpers/postgres.ts'
import { type Database, openDatabase, type Statement } from '../database/database.ts'
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

test('[R1.2] [R7.14] an edit made while the database is asked whether it was set back is stored and acknowledged', async () => {
  let asked = 0
  let answerFirst = (): void => {}
  const writer = {
    async run<Row>(statement: Statement, values: readonly unknown[]) {
      const rows = await database.writer.run<Row>(statement, values)
      if (statement.name !== 'tidemark-journal-standing') return rows
      asked += 1
      // the first answer comes when the edit's own commit has been missed, and is asked about, too
      if (asked === 1) await new Promise<void>((resolve) => (answerFirst = resolve))
      else answerFirst()
      return rows
    },
  }
  const { journal } = openJournal({ ...database, writer })
  const line = await openLine(database, 'looked at')
  for (const text of ['one', 'two', 'three']) {
    journal.append(line, bytesOf(text), null)
    await journal.drain()
  }
  await query(
    url,
    `with d as (update tidemark_store.documents set head = 1 where name = 'looked at' returning id)
     delete from tidemark_store.updates where document_id = (select id from d) and revision > 1`,
  )
  journal.repairBy(async () => ({ head: { revision: 1, stamp: null }, update: null }))
  const looking = journal.verify([line])
  journal.append(line, bytesOf('four'), null)
  const acknowledged = durableAfter(line)
  await looking
  expect(await acknowledged).toBeLessThan(5_000)
  await journal.drain()
  expect(await storedTexts(database, line)).toEqual(['one', 'four'])
})
