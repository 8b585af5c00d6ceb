import type { DirectConnection } from '@hocuspocus/server'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { type Database, openDatabase, type Statement } from '../database/database.ts'
import { findOrCreate } from './store.ts'
import { readTail } from './stored-rows.ts'
import { makeDocuments } from './testing.ts'

let database: Database
let name: string
let count = 0

beforeAll(async () => {
  database = await openDatabase({ databaseUrl: await freshDatabase() }, () => {})
})

afterAll(async () => {
  await database.close()
})

beforeEach(() => {
  count += 1
  name = `document ${count}`
})

/** A database whose commits wait until they are let go. */
function held() {
  let release = (): void => {}
  let gate = Promise.resolve()
  const through: Database = {
    ...database,
    writer: {
      async run<Row>(statement: Statement, values: readonly unknown[]) {
        if (statement.name === 'tidemark-journal-commit' && values[0] !== '{}') await gate
        return await database.writer.run<Row>(statement, values)
      },
    },
  }
  const hold = (): (() => void) => {
    gate = new Promise((resolve) => {
      release = resolve
    })
    return release
  }
  return { through, hold }
}

const large = 'x'.repeat(40_000)
const push = (connection: DirectConnection, word: string) =>
  connection.transact((document) => document.getArray('words').push([word]))
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Snapshot {
  revision: number
  bytes: Uint8Array
}

async function snapshotsOf(): Promise<Snapshot[]> {
  const { id } = await findOrCreate(database, name)
  return await database.kysely
    .selectFrom('snapshots')
    .where('document_id', '=', id)
    .select(['revision', 'bytes'])
    .orderBy('revision')
    .execute()
}

/** Everything that the journal holds up to a revision, held-back parts included. */
async function journalUpTo(revision: number): Promise<Uint8Array> {
  const { id } = await findOrCreate(database, name)
  const doc = new Y.Doc()
  for (const row of await readTail(database, id, 0)) if (row.revision <= revision) Y.applyUpdate(doc, row.bytes)
  return Y.encodeStateAsUpdate(doc)
}

async function expectExact(): Promise<Snapshot[]> {
  const snapshots = await snapshotsOf()
  for (const { revision, bytes } of snapshots) {
    const [one, other] = [new Y.Doc(), new Y.Doc()]
    Y.applyUpdate(one, bytes)
    Y.applyUpdate(other, await journalUpTo(revision))
    expect(one.getArray('words').toJSON(), `snapshot ${revision}`).toEqual(other.getArray('words').toJSON())
    expect(Y.equalSnapshots(Y.snapshot(one), Y.snapshot(other)), `snapshot ${revision}`).toBe(true)
  }
  return snapshots
}

describe('[R7.13] a snapshot at a revision is exactly the journal up to there', () => {
  test('what is not committed is in no snapshot', async () => {
    const { through, hold } = held()
    const world = makeDocuments(through)
    const connection = await world.hocuspocus.openDirectConnection(name)
    await push(connection, 'first')
    await world.journal.drain()
    const release = hold()
    await push(connection, large)
    await pause(150)
    await push(connection, 'after it was encoded')
    await pause(150)
    expect(await snapshotsOf(), 'it waits for the commit').toEqual([])
    release()
    await world.journal.drain()
    await expect.poll(snapshotsOf).toHaveLength(1)
    expect((await expectExact()).map(({ revision }) => revision)).toEqual([2])
    await connection.disconnect()
  })

  test('under steady writing there are snapshots, and each is exact', async () => {
    const world = makeDocuments(database)
    const connection = await world.hocuspocus.openDirectConnection(name)
    for (let edit = 0; edit < 250; edit++) {
      await push(connection, 'y'.repeat(600))
      if (edit % 5 === 0) await pause(2)
    }
    await world.journal.drain()
    await expect.poll(async () => (await snapshotsOf()).length).toBeGreaterThan(1)
    await expectExact()
    await connection.disconnect()
  })

  test('somebody writes as soon as it is encoded: that is not in it, and not counted to it', async () => {
    const world = makeDocuments(database)
    const connection = await world.hocuspocus.openDirectConnection(name)
    const document = world.documents.get(name)?.document
    if (!document) throw new Error('not open')
    let stopped = 0
    // the encoder looks for changes, and then who watches over it: both stop when they are done
    const off = document.off.bind(document) as (event: string, listener: unknown) => void
    Object.assign(document, {
      off(event: string, listener: unknown) {
        off(event, listener)
        if (event !== 'afterTransaction' || ++stopped !== 2) return
        queueMicrotask(() => document.getArray('words').push(['right after']))
      },
    })
    await push(connection, large)
    await expect.poll(snapshotsOf).toHaveLength(1)
    expect(stopped).toBe(2)
    await world.journal.drain()
    expect((await expectExact()).map(({ revision }) => revision)).toEqual([1])
    await connection.disconnect()
  })

  test('another process writes between: it is read first, and the snapshot holds it', async () => {
    const { through, hold } = held()
    const world = makeDocuments(through)
    const connection = await world.hocuspocus.openDirectConnection(name)
    await push(connection, 'first')
    await world.journal.drain()
    const release = hold()
    await push(connection, large)
    await pause(100)
    const other = makeDocuments(database)
    const theirs = await other.hocuspocus.openDirectConnection(name)
    await push(theirs, 'from another')
    await other.journal.drain()
    release()
    await world.journal.drain()
    await expect.poll(snapshotsOf, { timeout: 3_000 }).toHaveLength(1)
    const [snapshot] = await expectExact()
    expect(snapshot?.revision).toBe(3)
    await connection.disconnect()
    await theirs.disconnect()
  })

  test('an update that waits for its predecessors is in the snapshot as in the journal', async () => {
    const world = makeDocuments(database)
    const connection = await world.hocuspocus.openDirectConnection(name)
    const open = world.documents.get(name)
    if (!open) throw new Error('not open')
    const author = new Y.Doc()
    const updates: Uint8Array[] = []
    author.on('update', (update: Uint8Array) => updates.push(update))
    author.getArray('words').push(['predecessor'])
    author.getArray('words').push(['successor'])
    Y.applyUpdate(open.document, updates[1] as Uint8Array)
    world.documents.append(open, updates[1] as Uint8Array, null)
    await push(connection, large)
    await world.journal.drain()
    await expect.poll(snapshotsOf).toHaveLength(1)
    const [snapshot] = await expectExact()
    const doc = new Y.Doc()
    Y.applyUpdate(doc, snapshot?.bytes as Uint8Array)
    Y.applyUpdate(doc, updates[0] as Uint8Array)
    expect(doc.getArray('words').toJSON()).toEqual(expect.arrayContaining(['predecessor', 'successor']))
    await connection.disconnect()
  })
})

describe('[R6.19] a row of another process that does not decode, in a document that is open', () => {
  test('is put aside once; what comes before and behind it is read, and the document goes on', async () => {
    const world = makeDocuments(database)
    const told: string[] = []
    world.documents.events.on('quarantined', ({ error }) => told.push(error.summary))
    world.documents.events.on('catchUpFailed', () => told.push('failed'))
    const connection = await world.hocuspocus.openDirectConnection(name)
    const other = makeDocuments(database)
    const theirs = await other.hocuspocus.openDirectConnection(name)
    await push(theirs, 'before')
    await other.journal.drain()
    const { id } = await findOrCreate(database, name)
    await database.kysely
      .insertInto('updates')
      .values({ document_id: id, revision: 2, bytes: Uint8Array.of(9, 9, 9, 9), author: null })
      .execute()
    await database.kysely.updateTable('documents').set({ head: 2 }).where('id', '=', id).execute()
    for (const word of ['one', 'two', 'three']) {
      await push(connection, word)
      await world.journal.drain()
      await pause(30)
    }
    expect(told).toEqual(['update 2 does not decode and was put into quarantine'])
    const open = world.documents.get(name)
    expect([...(open?.document.getArray('words').toJSON() ?? [])].sort()).toEqual(['before', 'one', 'three', 'two'])
    expect([open?.line.covered, open?.line.revision]).toEqual([5, 5])
    await connection.disconnect()
    await theirs.disconnect()
  })

  test('[R8.1] rows of another process count as the journal behind the last snapshot', async () => {
    const world = makeDocuments(database)
    const connection = await world.hocuspocus.openDirectConnection(name)
    const other = makeDocuments(database, { debounce: 100_000 })
    const theirs = await other.hocuspocus.openDirectConnection(name)
    await push(theirs, large)
    await other.journal.drain()
    await push(connection, 'small')
    await world.journal.drain()
    await expect.poll(snapshotsOf, { timeout: 3_000 }).toHaveLength(1)
    await expectExact()
    await connection.disconnect()
    await theirs.disconnect()
  })
})
