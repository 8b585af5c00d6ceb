import { rm } from 'node:fs/promises'
import { systemClock } from '@tidemark/shared'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDataFolder } from '../../../test/helpers/data-folder.ts'
import { type Database, openDatabase, type Statement } from '../database/database.ts'
import { findOrCreate } from '../documents/store.ts'
import { Journal } from './journal.ts'
import { JournalLine } from './line.ts'

let folder: string
let database: Database

beforeAll(async () => {
  folder = await newDataFolder()
  database = await openDatabase({ dataFolder: folder }, () => {})
}, 60_000)

afterAll(async () => {
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

async function openLine(name: string): Promise<JournalLine> {
  const { id, epoch, head } = await findOrCreate(database, name)
  return new JournalLine({ id, name, epoch, revision: head })
}

const openJournal = (over: Database = database, queuedBytes = 1_000_000) =>
  new Journal(over, { windowMs: 0, queuedBytes }, systemClock, (error) => {
    throw error
  })

const bytesOf = (text: string) => new TextEncoder().encode(text)

async function storedOf(name: string): Promise<{ revision: number; text: string; author: string | null }[]> {
  const rows = await database.kysely
    .selectFrom('updates')
    .innerJoin('documents', 'documents.id', 'updates.document_id')
    .where('name', '=', name)
    .select(['revision', 'bytes', 'author'])
    .orderBy('revision')
    .execute()
  return rows.map(({ revision, bytes, author }) => ({ revision, text: new TextDecoder().decode(bytes), author }))
}

/** A database whose commits go through `intercept` first. */
const intercepted = (intercept: (values: readonly unknown[]) => Promise<void>): Database => ({
  ...database,
  writer: {
    async run<Row>(statement: Statement, values: readonly unknown[]) {
      await intercept(values)
      return await database.writer.run<Row>(statement, values)
    },
  },
})

const sqlError = (code: string) => Object.assign(new Error(`SQLSTATE ${code}`), { code })

describe('a journal on PGlite', () => {
  test('[R7.1] gives each document gapless revisions in the order of appending, with the author', async () => {
    const journal = openJournal()
    const [one, other] = [await openLine('one'), await openLine('other')]
    for (let index = 0; index < 50; index++) {
      journal.append(one, bytesOf(`one ${index}`), 'ada')
      if (index % 5 === 0) journal.append(other, bytesOf(`other ${index}`), null)
    }
    await journal.drain()
    expect(await storedOf('one')).toEqual(
      Array.from({ length: 50 }, (_, index) => ({ revision: index + 1, text: `one ${index}`, author: 'ada' })),
    )
    expect((await storedOf('other')).map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(one.revision).toBe(50)
  })

  test('[R7.1] stores empty and binary updates as they are', async () => {
    const journal = openJournal()
    const line = await openLine('binary')
    const binary = Uint8Array.from({ length: 256 }, (_, index) => index)
    journal.append(line, binary, 'a "quoted", {braced} \\ author')
    journal.append(line, new Uint8Array(), null)
    await journal.drain()
    const rows = await database.kysely
      .selectFrom('updates')
      .where('document_id', '=', line.documentId)
      .selectAll()
      .orderBy('revision')
      .execute()
    expect([...(rows[0]?.bytes ?? [])]).toEqual([...binary])
    expect(rows[0]?.author).toBe('a "quoted", {braced} \\ author')
    expect(rows[1]?.bytes.byteLength).toBe(0)
  })

  test('[R1.5] [R3.3] [R5.5] keeps everything while the database is away, says so, and commits it when it is back', async () => {
    let isAway = true
    const journal = openJournal(
      intercepted(async () => {
        if (isAway) throw sqlError('57P01')
      }),
    )
    const line = await openLine('patient')
    const storage: boolean[] = []
    journal.events.on('storage', ({ available }) => storage.push(available))
    let acknowledged = false
    journal.append(line, bytesOf('kept'), 'ada')
    line.whenDurable(() => {
      acknowledged = true
    })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(acknowledged).toBe(false)
    expect(storage[0]).toBe(false)
    isAway = false
    await journal.drain()
    expect(acknowledged).toBe(true)
    expect(storage.at(-1)).toBe(true)
    expect(await storedOf('patient')).toHaveLength(1)
  })

  test('[R7.1] a deadlock with another node is tried again, and nobody hears of it', async () => {
    let deadlocks = 2
    const journal = openJournal(
      intercepted(async () => {
        if (deadlocks-- > 0) throw sqlError('40P01')
      }),
    )
    const line = await openLine('deadlocked')
    const storage: boolean[] = []
    journal.events.on('storage', ({ available }) => storage.push(available))
    journal.append(line, bytesOf('kept'), null)
    await journal.drain()
    expect(await storedOf('deadlocked')).toHaveLength(1)
    expect(storage).toEqual([])
  })

  test('[R5.5] a commit that hangs counts as a database that is away', async () => {
    let proceed = (): void => {}
    const hanging = new Promise<void>((resolve) => {
      proceed = resolve
    })
    const journal = openJournal(intercepted(() => hanging))
    const line = await openLine('hanging')
    const told = new Promise((resolve) => journal.events.on('storage', resolve))
    journal.append(line, bytesOf('slow'), null)
    expect(await told).toMatchObject({ available: false })
    proceed()
    await journal.drain()
    expect(line.isDurable).toBe(true)
  })

  test('[R6.2] one poisoned document in a batch fails alone; all others are committed', async () => {
    const names = Array.from({ length: 9 }, (_, index) => `batch ${index}`)
    const lines = await Promise.all(names.map(openLine))
    const poisoned = lines[4] as JournalLine
    const journal = openJournal(
      intercepted(async ([ids]) => {
        if ((ids as number[]).includes(poisoned.documentId)) throw sqlError('22021')
      }),
    )
    const failed: string[] = []
    journal.events.on('failed', ({ line, error }) => failed.push(`${line.documentName}: ${error.code}`))
    for (const line of lines) journal.append(line, bytesOf(line.documentName), null)
    await journal.drain()
    expect(failed).toEqual(['batch 4: document-write-failed'])
    for (const line of lines) expect(await storedOf(line.documentName)).toHaveLength(line === poisoned ? 0 : 1)
    expect(poisoned.durable).toBe(0)
  })

  test('[R9.2] a document that got a new epoch while open takes nothing more of the old history', async () => {
    const journal = openJournal()
    const line = await openLine('reset')
    journal.append(line, bytesOf('before'), null)
    await journal.drain()
    await database.kysely
      .updateTable('documents')
      .set({ epoch: '00000000-0000-4000-8000-000000000000' })
      .where('name', '=', 'reset')
      .execute()
    const failed = new Promise<string>((resolve) => journal.events.on('failed', ({ error }) => resolve(error.code)))
    journal.append(line, bytesOf('after'), null)
    expect(await failed).toBe('epoch-mismatch')
    expect((await storedOf('reset')).map(({ text }) => text)).toEqual(['before'])
  })

  test('[R6.4] says when too much is queued, and when there is room again', async () => {
    let proceed = (): void => {}
    const gate = new Promise<void>((resolve) => {
      proceed = resolve
    })
    const journal = openJournal(
      intercepted(() => gate),
      1_000,
    )
    const line = await openLine('pressed')
    const pressure: boolean[] = []
    journal.events.on('pressure', (isHigh) => pressure.push(isHigh))
    for (let index = 0; index < 20; index++) journal.append(line, new Uint8Array(100), null)
    expect(pressure).toEqual([true])
    proceed()
    await journal.drain()
    expect(pressure).toEqual([true, false])
    expect(journal.queued).toEqual({ updates: 0, bytes: 0 })
  })

  test('[R6.4] many small updates are too much before their bytes are', async () => {
    let proceed = (): void => {}
    const gate = new Promise<void>((resolve) => {
      proceed = resolve
    })
    const journal = openJournal(
      intercepted(() => gate),
      100_000,
    )
    const line = await openLine('small ones')
    const pressure: boolean[] = []
    journal.events.on('pressure', (isHigh) => pressure.push(isHigh))
    for (let index = 0; index < 500; index++) journal.append(line, new Uint8Array(20), null)
    expect(pressure).toEqual([true])
    proceed()
    await journal.drain()
    expect(pressure).toEqual([true, false])
  })

  test('[W3] closing commits what is queued, and gives up on a database that stays away', async () => {
    const healthy = openJournal()
    const line = await openLine('closing')
    healthy.append(line, bytesOf('last'), null)
    expect(await healthy.close(5_000)).toBe(0)
    expect(await storedOf('closing')).toHaveLength(1)

    const away = openJournal(intercepted(() => Promise.reject(sqlError('08006'))))
    const lost = await openLine('closing without database')
    let acknowledged = false
    away.append(lost, bytesOf('not saved'), null)
    lost.whenDurable(() => {
      acknowledged = true
    })
    expect(await away.close(200)).toBe(1)
    expect(acknowledged).toBe(false)
  })
})
