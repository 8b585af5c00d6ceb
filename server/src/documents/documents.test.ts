import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { load, RowQuarantined } from './load.ts'
import { isSnapshotDue } from './open-document.ts'
import { findEpoch, findOrCreate, saveSnapshot } from './store.ts'
import { readTail } from './stored-rows.ts'

let database: Database

beforeAll(async () => {
  database = await openDatabase({ databaseUrl: await freshDatabase() }, () => {})
})

afterAll(async () => {
  await database.close()
})

/** Stores a text, one update for each word, and returns the updates. */
async function storeWords(
  name: string,
  words: string[],
): Promise<{ id: number; epoch: string; updates: Uint8Array[] }> {
  const { id, epoch } = await findOrCreate(database, name)
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const word of words) doc.getText('text').insert(doc.getText('text').length, `${word} `)
  for (const [index, bytes] of updates.entries()) {
    await database.kysely
      .insertInto('updates')
      .values({ document_id: id, revision: index + 1, bytes, author: null })
      .execute()
  }
  await database.kysely.updateTable('documents').set({ head: updates.length }).where('id', '=', id).execute()
  return { id, epoch, updates }
}

const at = (revision: number) => ({ revision, stamp: null })
const textOf = (doc: Y.Doc) => doc.getText('text').toString().trim()

async function loadAll(name: string): Promise<Y.Doc> {
  for (;;) {
    const doc = new Y.Doc()
    try {
      await load(database, name, doc)
      return doc
    } catch (error) {
      if (!(error instanceof RowQuarantined)) throw error
    }
  }
}

test('[R7.2] a document is its newest snapshot and the journal behind it', async () => {
  const { id, epoch, updates } = await storeWords('plan', ['one', 'two', 'three', 'four'])
  await saveSnapshot(database, { id, epoch }, at(2), Y.mergeUpdates(updates.slice(0, 2)))
  const doc = new Y.Doc()
  const { stored, tail } = await load(database, 'plan', doc)
  expect(textOf(doc)).toBe('one two three four')
  expect(stored.snapshot?.revision).toBe(2)
  expect(stored.head).toBe(4)
  expect(tail.rows).toBe(2)
})

test('[R7.2] a tail longer than a page is read whole and in order', async () => {
  const { id } = await findOrCreate(database, 'long')
  await database.run(
    {
      name: 'fill',
      text: `insert into tidemark_store.updates (document_id, revision, bytes) select $1, n, convert_to(n::text, 'utf8') from generate_series(1, 20500) n`,
    },
    [id],
  )
  const tail = await readTail(database, id, 100)
  expect(tail).toHaveLength(20_400)
  expect(tail.every(({ revision, bytes }) => new TextDecoder().decode(bytes) === String(revision))).toBe(true)
  expect(tail[0]?.revision).toBe(101)
})

test('[R6.1] a row that does not decode is kept, reported and skipped, and the document opens', async () => {
  const { id } = await storeWords('damaged', ['one', 'two', 'three'])
  await database.kysely
    .insertInto('updates')
    .values({ document_id: id, revision: 4, bytes: Uint8Array.of(9, 9, 9, 9), author: null })
    .execute()
  const doc = await loadAll('damaged')
  expect(textOf(doc)).toBe('one two three')
  const kept = await database.kysely.selectFrom('quarantine').where('document_id', '=', id).selectAll().execute()
  expect(kept).toHaveLength(1)
  expect(kept[0]).toMatchObject({ revision: 4, source: 'update' })
  expect([...(kept[0]?.bytes ?? [])]).toEqual([9, 9, 9, 9])
})

test('[R6.1] a snapshot that does not decode gives way to the one before it and the whole journal', async () => {
  const { id, epoch, updates } = await storeWords('bad snapshot', ['one', 'two', 'three', 'four'])
  await saveSnapshot(database, { id, epoch }, at(1), updates[0] as Uint8Array)
  await saveSnapshot(database, { id, epoch }, at(3), Uint8Array.of(1, 2, 3))
  expect(textOf(await loadAll('bad snapshot'))).toBe('one two three four')
})

test('the snapshot before the newest is kept, older ones are not', async () => {
  const { id, epoch, updates } = await storeWords('snapshots', ['a', 'b', 'c', 'd'])
  for (const revision of [1, 2, 3, 4])
    await saveSnapshot(database, { id, epoch }, at(revision), Y.mergeUpdates(updates.slice(0, revision)))
  const kept = await database.kysely
    .selectFrom('snapshots')
    .where('document_id', '=', id)
    .select('revision')
    .orderBy('revision')
    .execute()
  expect(kept.map(({ revision }) => revision)).toEqual([3, 4])
})

test('[R9.1] a document has one epoch from its first opening, and none before', async () => {
  expect(await findEpoch(database, 'new')).toBeNull()
  const [one, other] = await Promise.all([findOrCreate(database, 'new'), findOrCreate(database, 'new')])
  expect(one.epoch).toBe(other.epoch)
  expect(await findEpoch(database, 'new')).toBe(one.epoch)
})

test('[R8.1] bytes stored in snapshots stay in proportion to edits, however large the document', () => {
  for (const documentBytes of [1_000, 100_000, 1_300_000, 20_000_000]) {
    const account = { size: documentBytes, tail: { rows: 0, bytes: 0 } }
    let written = 0
    const edits = 200_000
    for (let edit = 0; edit < edits; edit++) {
      account.tail.rows += 1
      account.tail.bytes += 30
      if (isSnapshotDue(account)) {
        written += account.size
        account.tail = { rows: 0, bytes: 0 }
      }
    }
    expect(written / edits).toBeLessThan(300)
  }
})
