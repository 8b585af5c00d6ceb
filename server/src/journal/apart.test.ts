import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { freshDatabase, query } from '../../../test/helpers/postgres.ts'
import { type Database, openDatabase, type Statement } from '../database/database.ts'
import type { JournalLine } from './line.ts'
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

let locked: JournalLine
let others: JournalLine[]
let documents = 0

beforeEach(async () => {
  documents += 1
  locked = await openLine(database, `in the way ${documents}`)
  others = await Promise.all([1, 2, 3].map((each) => openLine(database, `other ${documents} ${each}`)))
})

/** Holds the lock on a document's row, as another transaction does that does not end. */
async function lockRow({ documentId }: JournalLine): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin')
  await client.query('select from tidemark_store.documents where id = $1 for update', [documentId])
  return async () => {
    await client.query('rollback')
    await client.end()
  }
}

/** Does something to each row of the document's journal that is about to be written. */
async function trigger({ documentId }: JournalLine, body: string): Promise<() => Promise<void>> {
  const name = `fault_${documentId}`
  await query(
    url,
    `create function ${name}() returns trigger language plpgsql as $$ begin
       if new.document_id = ${documentId} then ${body}; end if; return new; end $$`,
  )
  await query(
    url,
    `create trigger ${name} before insert on tidemark_store.updates for each row execute function ${name}()`,
  )
  return async () => {
    await query(url, `drop trigger ${name} on tidemark_store.updates`)
  }
}

/** Generous, because tests share their machine; what is in the way stays for longer than this. */
const bound = 900

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('[R6.18] one document that cannot be stored holds up no other', () => {
  test('its row is locked: the others are as quick as ever, its people hear of it, and it goes on when it can', async () => {
    const { journal, told } = openJournal(database)
    const unlock = await lockRow(locked)
    journal.append(locked, bytesOf('first'), 'ada')
    for (const line of others) journal.append(line, bytesOf('in one batch with it'), null)
    const waits = await Promise.all(others.map(durableAfter))
    expect(Math.max(...waits)).toBeLessThan(bound)
    for (let edit = 0; edit < 20; edit++) {
      journal.append(locked, bytesOf(`more ${edit}`), 'ada')
      const line = others[edit % 3] as JournalLine
      journal.append(line, bytesOf(`edit ${edit}`), null)
      expect(await durableAfter(line)).toBeLessThan(bound)
      await pause(80)
    }
    expect(locked.durable).toBe(0)
    expect(told).toEqual([`${locked.documentName} waits`])
    expect(journal.available).toBe(true)
    await unlock()
    expect(await durableAfter(locked)).toBeLessThan(1_000)
    await journal.drain()
    expect(told).toEqual([`${locked.documentName} waits`, `${locked.documentName} goes on`])
    expect(await storedTexts(database, locked)).toEqual(['first', ...Array.from({ length: 20 }, (_, n) => `more ${n}`)])
    // and it is one of many again
    journal.append(locked, bytesOf('last'), null)
    await journal.drain()
    await journal.close(0)
  })

  test('many rows are locked at once: whoever is not among them does not wait', async () => {
    const { journal } = openJournal(database)
    const lines = await Promise.all(
      Array.from({ length: 12 }, (_, index) => openLine(database, `locked ${documents} ${index}`)),
    )
    const unlocks = await Promise.all(lines.map(lockRow))
    for (const line of lines) journal.append(line, bytesOf('waits'), null)
    for (let edit = 0; edit < 10; edit++) {
      journal.append(others[0] as JournalLine, bytesOf(`edit ${edit}`), null)
      expect(await durableAfter(others[0] as JournalLine)).toBeLessThan(bound)
      await pause(50)
    }
    await Promise.all(unlocks.map((unlock) => unlock()))
    await journal.drain()
    for (const line of lines) expect(await storedTexts(database, line)).toEqual(['waits'])
    await journal.close(0)
  })

  test('the database has an internal error for it: it alone waits, and the database counts as there', async () => {
    const { journal, told } = openJournal(database)
    const mend = await trigger(locked, "raise exception 'invalid page' using errcode = 'XX001'")
    journal.append(locked, bytesOf('damaged'), null)
    for (const line of others) journal.append(line, bytesOf('well'), null)
    const waits = await Promise.all(others.map(durableAfter))
    expect(Math.max(...waits)).toBeLessThan(1_000)
    await pause(1_500)
    expect(told).toEqual([`${locked.documentName} waits`])
    expect(journal.available).toBe(true)
    await mend()
    await journal.drain()
    expect(await storedTexts(database, locked)).toEqual(['damaged'])
    for (const line of others) expect(await storedTexts(database, line)).toEqual(['well'])
    expect(told.at(-1)).toBe(`${locked.documentName} goes on`)
    await journal.close(0)
  })

  test('it is the only one that is edited: its trouble is not the database’s', async () => {
    const { journal, told } = openJournal(database)
    const mend = await trigger(locked, "raise exception 'invalid page' using errcode = 'XX001'")
    journal.append(locked, bytesOf('damaged'), null)
    await expect.poll(() => told, { timeout: 5_000 }).toEqual([`${locked.documentName} waits`])
    await pause(500)
    expect(told).toEqual([`${locked.documentName} waits`])
    await mend()
    await journal.drain()
    await journal.close(0)
  })

  test('its commit takes long: who comes later does not wait for it', async () => {
    const { journal, told } = openJournal(database)
    const mend = await trigger(locked, 'perform pg_sleep(2.5)')
    journal.append(locked, bytesOf('slow'), null)
    await pause(20)
    journal.append(others[0] as JournalLine, bytesOf('later'), null)
    expect(await durableAfter(others[0] as JournalLine)).toBeLessThan(1_000)
    for (let edit = 0; edit < 5; edit++) {
      journal.append(others[1] as JournalLine, bytesOf(`edit ${edit}`), null)
      expect(await durableAfter(others[1] as JournalLine)).toBeLessThan(bound)
    }
    expect(locked.durable).toBe(0)
    await mend().catch(() => {})
    await journal.drain()
    expect(told).not.toContain('away')
    expect(await storedTexts(database, locked)).toEqual(['slow'])
    await journal.close(0)
  }, 20_000)

  test('many take long, one after the other: nobody else waits until they are done', async () => {
    const { journal, told } = openJournal(database)
    const lines = await Promise.all(
      Array.from({ length: 8 }, (_, index) => openLine(database, `slow ${documents} ${index}`)),
    )
    const first = lines[0] as JournalLine
    const mend = await trigger(first, 'null')
    const sleeping = (condition: string) =>
      query(
        url,
        `create or replace function fault_${first.documentId}() returns trigger language plpgsql as $$ begin
           if ${condition} then perform pg_sleep(25); end if; return new; end $$`,
      )
    await sleeping(`new.document_id in (${lines.map(({ documentId }) => documentId).join(',')})`)
    const well = others[0] as JournalLine
    for (const line of lines) {
      journal.append(line, bytesOf('slow'), null)
      journal.append(well, bytesOf('in one batch with it'), null)
      await pause(400)
    }
    for (let edit = 0; edit < 5; edit++) {
      await durableAfter(well)
      journal.append(well, bytesOf(`edit ${edit}`), null)
    }
    expect(lines.map(({ durable }) => durable)).toEqual(lines.map(() => 0))
    expect(told).not.toContain('away')
    await sleeping('false')
    await query(url, `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'`)
    await journal.drain()
    for (const line of lines) expect(await storedTexts(database, line)).toEqual(['slow'])
    await mend()
    await journal.close(0)
  }, 60_000)

  test('[R6.2] its commit takes long and ends in an error of its data: what was in one batch with it is stored', async () => {
    const { journal, told } = openJournal(database)
    const mend = await trigger(locked, "perform pg_sleep(1.5); raise exception 'bad' using errcode = '22021'")
    journal.append(others[0] as JournalLine, bytesOf('alone'), null)
    journal.append(locked, bytesOf('bad'), null)
    for (const line of others) journal.append(line, bytesOf('in one batch with it'), null)
    await journal.drain()
    expect(told.filter((each) => each.endsWith('document-write-failed'))).toEqual([
      `${locked.documentName} document-write-failed`,
    ])
    for (const line of others) expect(await storedTexts(database, line)).toContain('in one batch with it')
    await mend()
    await journal.close(0)
  }, 20_000)

  test('it is too large for the time that a statement may take: small edits of others do not wait for it', async () => {
    const { journal, told } = openJournal(database)
    const mend = await trigger(
      locked,
      "perform pg_sleep(0.7); raise exception 'canceling statement due to statement timeout' using errcode = '57014'",
    )
    journal.append(locked, new Uint8Array(2 * 1024 * 1024), null)
    for (let edit = 0; edit < 25; edit++) {
      journal.append(others[0] as JournalLine, bytesOf(`edit ${edit}`), null)
      expect(await durableAfter(others[0] as JournalLine)).toBeLessThan(bound)
      await pause(60)
    }
    expect(told).toEqual([`${locked.documentName} waits`])
    await mend()
    await journal.drain()
    expect(told.at(-1)).toBe(`${locked.documentName} goes on`)
    await journal.close(100)
  }, 30_000)

  test('only so much may wait of it; its sessions end before all sockets are paused', async () => {
    const { journal, told } = openJournal(database, 400_000)
    const unlock = await lockRow(locked)
    const pressure: boolean[] = []
    journal.events.on('pressure', (isHigh) => pressure.push(isHigh))
    journal.append(locked, new Uint8Array(90_000), null)
    await vi.waitUntil(() => locked.isTroubled, { timeout: 5_000 })
    journal.append(locked, new Uint8Array(20_000), null)
    expect(told).toEqual([`${locked.documentName} waits`, `${locked.documentName} storage-unavailable`])
    expect(pressure).toEqual([])
    expect(journal.queued).toEqual({ updates: 0, bytes: 0 })
    await unlock()
    await journal.close(1_000)
  })

  test('a commit of it that ends after its sessions did is not counted off again', async () => {
    let commit = (): void => {}
    const held = new Promise<void>((resolve) => (commit = resolve))
    const writer = {
      async run<Row>(statement: Statement, values: readonly unknown[]) {
        if (values[0] === `{${locked.documentId}}`) await held
        return await database.writer.run<Row>(statement, values)
      },
    }
    const { journal } = openJournal({ ...database, writer }, 400_000)
    journal.append(locked, new Uint8Array(90_000), null)
    await vi.waitUntil(() => locked.isTroubled, { timeout: 5_000 })
    journal.append(locked, new Uint8Array(20_000), null)
    expect(locked.failure?.code).toBe('storage-unavailable')
    commit()
    await journal.drain()
    expect(journal.queued).toEqual({ updates: 0, bytes: 0 })
    expect(await journal.close(1_000)).toBe(0)
  })
})

describe('[R5.8] that the database is back is found out without an edit', () => {
  test('after a slow commit that ended in an error of its data', async () => {
    let isAway = true
    const slow: Database = {
      ...database,
      writer: {
        async run<Row>(statement: Statement, values: readonly unknown[]) {
          const away = isAway
          if (away) await pause(1_500)
          if (away && values[0] !== '{}') throw Object.assign(new Error('bad'), { code: '22021' })
          return await database.writer.run<Row>(statement, values)
        },
      },
    }
    const { journal, told } = openJournal(slow)
    journal.append(locked, bytesOf('x'), null)
    await expect.poll(() => told, { timeout: 5_000 }).toEqual(['away'])
    isAway = false
    await expect.poll(() => told, { timeout: 5_000 }).toContain('available')
    expect(journal.available).toBe(true)
    expect(told.filter((each) => each === `${locked.documentName} document-write-failed`)).toHaveLength(1)
    await journal.close(0)
  })

  test('after the disk was full', async () => {
    const mend = await trigger(locked, "raise exception 'full' using errcode = '53100'")
    const { journal, told } = openJournal(database)
    journal.append(locked, bytesOf('x'), null)
    await expect.poll(() => told, { timeout: 3_000 }).toEqual(['away'])
    await pause(500)
    expect(told, 'it does not come and go').toEqual(['away'])
    await mend()
    await expect.poll(() => told, { timeout: 5_000 }).toEqual(['away', 'available'])
    await journal.drain()
    expect(await storedTexts(database, locked)).toEqual(['x'])
    await journal.close(0)
  })
})
