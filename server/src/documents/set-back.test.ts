import type { DirectConnection } from '@hocuspocus/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase, query } from '../../../test/helpers/postgres.ts'
import { type Database, openDatabase, type Statement } from '../database/database.ts'
import { load, RowQuarantined } from './load.ts'
import { saveSnapshot } from './store.ts'
import { makeDocuments } from './testing.ts'

let url: string
let database: Database

beforeAll(async () => {
  url = await freshDatabase()
  database = await openDatabase({ databaseUrl: url }, () => {})
})

afterAll(async () => {
  await database.close()
})

/** What a failover to a standby that lagged leaves: the document as it was at an earlier revision. */
async function setBack(name: string, revision: number): Promise<void> {
  await query(
    url,
    `with d as (update tidemark_store.documents set head = $2 where name = $1 returning id),
       s as (delete from tidemark_store.snapshots where document_id = (select id from d) and revision > $2)
     delete from tidemark_store.updates where document_id = (select id from d) and revision > $2`,
    [name, revision],
  )
}

type World = ReturnType<typeof makeDocuments>

async function open(world: World, name: string): Promise<DirectConnection> {
  return await world.hocuspocus.openDirectConnection(name)
}

async function write(connection: DirectConnection, ...words: string[]): Promise<void> {
  for (const word of words) {
    await connection.transact((document) => document.getArray('words').push([word]))
    // a revision of its own
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** What a server that starts anew reads. */
async function stored(name: string): Promise<string[]> {
  for (;;) {
    const doc = new Y.Doc()
    try {
      await load(database, name, doc)
      return doc.getArray<string>('words').toArray()
    } catch (error) {
      if (!(error instanceof RowQuarantined)) throw error
    }
  }
}

const told = (world: World): string[] => {
  const told: string[] = []
  world.documents.events.on('setBack', ({ revision, head }) => told.push(`${revision} → ${head}`))
  return told
}

const ten = Array.from({ length: 10 }, (_, index) => `word ${index}`)

test('[R7.14] the database was set back: the next edit finds out, and everything acknowledged is stored again', async () => {
  const world = makeDocuments(database)
  const heard = told(world)
  const connection = await open(world, 'edited')
  await write(connection, ...ten)
  await world.journal.drain()
  await setBack('edited', 5)
  await write(connection, 'after')
  await world.journal.drain()
  expect(heard).toEqual(['10 → 5'])
  expect(await stored('edited')).toEqual([...ten, 'after'])
  const line = world.documents.get('edited')?.line
  expect([line?.covered, line?.revision, line?.isDurable]).toEqual([7, 7, true])
  await write(connection, 'and on')
  await world.journal.drain()
  expect(await stored('edited')).toEqual([...ten, 'after', 'and on'])
  await connection.disconnect()
})

test('[R7.14] a document that nobody edits is found out when somebody opens it', async () => {
  const world = makeDocuments(database)
  const heard = told(world)
  const connection = await open(world, 'idle')
  await write(connection, ...ten)
  await world.journal.drain()
  await setBack('idle', 0)
  await world.documents.extension.connected?.({ documentName: 'idle' } as never)
  await expect.poll(() => heard).toEqual(['10 → 0'])
  await world.journal.drain()
  expect(await stored('idle')).toEqual(ten)
  await connection.disconnect()
})

test('[R7.14] a document stays in memory until the database has again what it lacks, also when everybody has left', async () => {
  let isSlow = false
  const slow: Database = {
    ...database,
    async run<Row>(statement: Statement, values: readonly unknown[]) {
      if (isSlow && statement.name === 'tidemark-document-find')
        await new Promise((resolve) => setTimeout(resolve, 300))
      return await database.run<Row>(statement, values)
    },
  }
  const world = makeDocuments(slow)
  const connection = await open(world, 'left')
  await write(connection, ...ten)
  await world.journal.drain()
  await setBack('left', 5)
  isSlow = true
  await world.documents.extension.connected?.({ documentName: 'left' } as never)
  await expect.poll(() => world.documents.get('left')?.line.isMending).toBe(true)
  await connection.disconnect()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(world.documents.count).toBe(1)
  await world.journal.drain()
  expect(await stored('left')).toEqual(ten)
  await expect.poll(() => world.documents.count).toBe(0)
})

test('[R7.14] another history of the same length, or a longer one, is not taken for ours', async () => {
  const world = makeDocuments(database)
  const heard = told(world)
  const connection = await open(world, 'overtaken')
  await write(connection, ...ten)
  await world.journal.drain()
  // another process was quicker after the failover, and has written past where we were
  await setBack('overtaken', 4)
  const other = makeDocuments(database)
  const theirs = await open(other, 'overtaken')
  await write(theirs, ...ten.map((word) => `their ${word}`))
  await other.journal.drain()
  await write(connection, 'after')
  await world.journal.drain()
  expect(heard).toEqual(['10 → 14'])
  const words = await stored('overtaken')
  expect([...words].sort()).toEqual([...ten, ...ten.map((word) => `their ${word}`), 'after'].sort())
  expect(world.documents.get('overtaken')?.document.getArray('words').toArray()).toEqual(words)
  await connection.disconnect()
  await theirs.disconnect()
})

test('[R7.14] another process has brought the head to the same number again: the next edit finds out', async () => {
  const world = makeDocuments(database)
  const heard = told(world)
  const connection = await open(world, 'same number')
  await write(connection, 'one', 'two', 'three')
  await world.journal.drain()
  await setBack('same number', 1)
  const other = makeDocuments(database)
  const elsewhere = await open(other, 'same number')
  await write(elsewhere, 'four', 'five')
  await other.journal.drain()
  await write(connection, 'six')
  await world.journal.drain()
  expect(heard).toEqual(['3 → 3'])
  expect((await stored('same number')).sort()).toEqual(['one', 'two', 'three', 'four', 'five', 'six'].sort())
  await connection.disconnect()
  await elsewhere.disconnect()
})

test('[R7.14] no snapshot hides what was stored after the database was set back', async () => {
  const world = makeDocuments(database)
  const connection = await open(world, 'snapshot')
  await write(connection, ...ten)
  await world.journal.drain()
  await setBack('snapshot', 5)
  // large enough for a snapshot, which is encoded before anybody knows
  await write(connection, 'x'.repeat(40_000))
  await world.journal.drain()
  await write(connection, 'after')
  await world.journal.drain()
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await stored('snapshot')).toEqual([...ten, 'x'.repeat(40_000), 'after'])
  await connection.disconnect()
})

test('[R7.14] a snapshot of a later revision than the head is put aside, and does not hide what comes', async () => {
  const world = makeDocuments(database)
  const connection = await open(world, 'astray')
  await write(connection, ...ten)
  await world.journal.drain()
  await connection.disconnect()
  const [row] = await query<{ id: string; epoch: string }>(
    url,
    "select id, epoch from tidemark_store.documents where name = 'astray'",
  )
  const document = { id: Number(row?.id), epoch: row?.epoch as string }
  const doc = new Y.Doc()
  await load(database, 'astray', doc)
  expect(await saveSnapshot(database, document, { revision: 10, stamp: null }, Y.encodeStateAsUpdate(doc))).toBe(true)
  await query(url, 'update tidemark_store.documents set head = 5 where id = $1', [document.id])
  await query(url, 'delete from tidemark_store.updates where document_id = $1 and revision > 5', [document.id])
  const later = makeDocuments(database)
  const again = await open(later, 'astray')
  expect(later.quarantined).toHaveLength(1)
  await write(again, ...Array.from({ length: 8 }, (_, index) => `new ${index}`))
  await later.journal.drain()
  expect(await stored('astray')).toEqual([
    ...ten.slice(0, 5),
    ...Array.from({ length: 8 }, (_, index) => `new ${index}`),
  ])
  await again.disconnect()
})

test('[R7.14] a database that was not set back is left as it is, however often it is looked at', async () => {
  const world = makeDocuments(database)
  const heard = told(world)
  const connection = await open(world, 'quiet')
  await write(connection, ...ten)
  await world.journal.drain()
  for (let look = 0; look < 20; look++) await world.documents.extension.connected?.({ documentName: 'quiet' } as never)
  await new Promise((resolve) => setTimeout(resolve, 200))
  await world.journal.drain()
  expect(heard).toEqual([])
  expect(world.documents.get('quiet')?.line.revision).toBe(10)
  await connection.disconnect()
})

test('[R7.14] a snapshot is stored only where its revision is the one that was committed', async () => {
  const world = makeDocuments(database)
  const connection = await open(world, 'place')
  await write(connection, ...ten)
  await world.journal.drain()
  const line = world.documents.get('place')?.line
  if (!line) throw new Error('not open')
  const document = { id: line.documentId, epoch: line.epoch }
  const bytes = Y.encodeStateAsUpdate(new Y.Doc())
  expect(await saveSnapshot(database, document, { revision: 10, stamp: (line.stamp ?? 0) + 1 }, bytes)).toBe(false)
  expect(await saveSnapshot(database, document, { revision: 11, stamp: null }, bytes)).toBe(false)
  expect(await query(url, 'select from tidemark_store.snapshots where document_id = $1', [line.documentId])).toEqual([])
  expect(await saveSnapshot(database, document, { revision: 10, stamp: line.stamp }, bytes)).toBe(true)
  await connection.disconnect()
})
