import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { type Database, openDatabase, type Statement } from '../database/database.ts'
import type { JournalLine } from './line.ts'
import { bytesOf, openJournal, openLine, storedTexts } from './testing.ts'

let database: Database

beforeAll(async () => {
  database = await openDatabase({ databaseUrl: await freshDatabase() }, () => {})
})

afterAll(async () => {
  await database.close()
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const lost = Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' })

/** A database whose next `count` commits are stored, and whose answers are lost. */
function losingAnswers(count: number): Database {
  let left = count
  return {
    ...database,
    writer: {
      async run<Row>(statement: Statement, values: readonly unknown[]) {
        const rows = await database.writer.run<Row>(statement, values)
        if (statement.name === 'tidemark-journal-commit' && rows.length > 0 && left-- > 0) throw lost
        return rows
      },
    },
  }
}

describe('[R7.12] a commit whose answer was lost is not stored twice', () => {
  test('of one document, of many, and when more was appended meanwhile', async () => {
    for (const count of [1, 2, 5]) {
      const { journal, told } = openJournal(losingAnswers(count))
      const line = await openLine(database, `lost ${count}`)
      const others = await Promise.all([1, 2, 3].map((each) => openLine(database, `beside ${count} ${each}`)))
      const lines = [line, ...others]
      for (const each of lines) journal.append(each, bytesOf(`one ${count}`), null)
      await pause(10)
      for (const each of lines) journal.append(each, bytesOf(`two ${count}`), null)
      await journal.drain()
      expect(await storedTexts(database, line)).toEqual([`one ${count}`, `two ${count}`])
      expect(line.revision).toBe(2)
      expect(line.covered).toBe(2)
      expect(told).toEqual([])
      await journal.close(0)
    }
  })

  test('another process writes between: each edit stands once, and what the other wrote is known to be missing', async () => {
    const locked = await openLine(database, 'written by two')
    const lose = losingAnswers(1)
    let isFirst = true
    const between: Database = {
      ...lose,
      writer: {
        async run<Row>(statement: Statement, values: readonly unknown[]) {
          try {
            return await lose.writer.run<Row>(statement, values)
          } finally {
            if (isFirst && statement.name === 'tidemark-journal-commit') {
              isFirst = false
              const other = openJournal(database)
              other.journal.append(await openLine(database, locked.documentName), bytesOf('from another'), null)
              await other.journal.drain()
            }
          }
        },
      },
    }
    const { journal } = openJournal(between)
    journal.append(locked, bytesOf('once'), null)
    await journal.drain()
    expect(await storedTexts(database, locked)).toEqual(['once', 'from another'])
    expect([locked.covered, locked.revision]).toEqual([1, 2])
    await journal.close(0)
  })
})

test('[R7.12] [R1.1] of edits of which some are stored already, the others are stored, and only then acknowledged', async () => {
  const line = await openLine(database, 'stored in part')
  let isFirst = true
  const inPart: Database = {
    ...database,
    writer: {
      async run<Row>(statement: Statement, values: readonly unknown[]) {
        if (isFirst && values[0] === `{${line.documentId}}`) {
          isFirst = false
          // another process got the first of them, too, and was quicker
          const other = openJournal(database)
          other.journal.append(await openLine(database, line.documentName), bytesOf('one'), null)
          await other.journal.drain()
          throw lost
        }
        return await database.writer.run<Row>(statement, values)
      },
    },
  }
  const { journal } = openJournal(inPart)
  journal.append(await openLine(database, 'under way by itself'), bytesOf('before'), null)
  journal.append(line, bytesOf('one'), null)
  journal.append(line, bytesOf('two'), null)
  const storedAtAck = new Promise((resolve) => line.whenDurable(() => void storedTexts(database, line).then(resolve)))
  await journal.drain()
  expect(await storedAtAck).toEqual(['one', 'two'])
  expect(line.revision).toBe(2)
  await journal.close(0)
})

test('[R7.1] [R6.18] two processes that write to one document without pause both go on, without a gap', async () => {
  const one = openJournal(database)
  const two = openJournal(database)
  const lines = [await openLine(database, 'contended'), await openLine(database, 'contended')]
  for (let edit = 0; edit < 150; edit++) {
    one.journal.append(lines[0] as JournalLine, bytesOf(`one ${edit}`), null)
    two.journal.append(lines[1] as JournalLine, bytesOf(`two ${edit}`), null)
    if (edit % 3 === 0) await pause(1)
  }
  await Promise.all([one.journal.drain(), two.journal.drain()])
  const stored = await storedTexts(database, lines[0] as JournalLine)
  for (const who of ['one', 'two']) {
    expect(stored.filter((text) => text.startsWith(who))).toEqual(
      Array.from({ length: 150 }, (_, edit) => `${who} ${edit}`),
    )
  }
  expect([...one.told, ...two.told]).toEqual([])
  await one.journal.close(0)
  await two.journal.close(0)
})
