import { readFileSync } from 'node:fs'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase, query } from '../../../test/helpers/postgres.ts'
import { pause, until } from '../../../test/helpers/until.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { findOrCreate } from './store.ts'
import { makeDocuments } from './testing.ts'

// The names that docs/operations.md uses, so that its text can be executed as it stands.
const name = 'team-7/plan'
const damagedRevision = 42
const keys = 60

const manual = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
const section = manual.split('\n## ').find((text) => text.startsWith('A row is in quarantine')) ?? ''
const repair = /```sql\n([^`]+)```/.exec(section)?.[1] ?? ''
const repairWith = (bytes: Uint8Array) => repair.replace('…', Buffer.from(bytes).toString('hex'))

const opened: Database[] = []
let url: string
let database: Database
let updates: Uint8Array[]

beforeEach(async () => {
  url = await freshDatabase()
  database = await openDatabase({ databaseUrl: url }, () => {})
  opened.push(database)
  const { id } = await findOrCreate(database, name)
  updates = []
  const doc = new Y.Doc()
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (let key = 0; key < keys; key++) doc.getMap('map').set(`key ${key}`, key)
  for (const [index, update] of updates.entries()) {
    const bytes = index + 1 === damagedRevision ? Uint8Array.of(9, 9, 9, 9) : update
    await database.kysely
      .insertInto('updates')
      .values({ document_id: id, revision: index + 1, bytes, author: null })
      .execute()
  }
  await database.kysely.updateTable('documents').set({ head: keys }).where('id', '=', id).execute()
})

afterAll(async () => {
  for (const database of opened) await database.close()
})

/** A server's life: opens the document, does something, and closes it. @returns how many of the keys were there */
async function visit(
  action: (document: Y.Doc) => Promise<void> = async () => {},
  through: Database = database,
): Promise<number> {
  const world = makeDocuments(through, { debounce: 100 })
  const connection = await world.hocuspocus.openDirectConnection(name)
  const document = connection.document as Y.Doc
  const found = [...document.getMap('map').keys()].filter((key) => key.startsWith('key ')).length
  await action(document)
  await world.journal.drain()
  await connection.disconnect()
  await expect.poll(() => world.documents.count, { timeout: 5_000 }).toBe(0)
  return found
}

let size = 10_000
/** Edits until a snapshot of a new revision is stored: one of an edit that is not committed yet would not be one. */
async function untilSnapshot(document: Y.Doc): Promise<void> {
  const before = await snapshots()
  await until('a snapshot is stored', async () => {
    size *= 1.5
    document.getMap('map').set('large', 'x'.repeat(size))
    await pause(400)
    return (await snapshots()) > before
  })
}

const snapshots = async () =>
  Number(
    (await query<{ last: string }>(url, 'select coalesce(max(revision), 0) as last from tidemark_store.snapshots'))[0]
      ?.last,
  )

const original = () => updates[damagedRevision - 1] as Uint8Array

describe('[R7.9] a row that was in quarantine and has been mended comes back', () => {
  test('the manual has a repair, of the row that this test damages', () => {
    expect(repair).toContain(`name = '${name}'`)
    expect(repair).toContain(`revision = ${damagedRevision}`)
    expect(repair).toContain('…')
  })

  test('also when snapshots were taken without it: the repair in the manual brings all back', async () => {
    expect(await visit(untilSnapshot)).toBe(damagedRevision - 1)
    expect(await visit(untilSnapshot), 'the next snapshot lacks it as well').toBe(damagedRevision - 1)
    await query(url, repairWith(original()))
    expect(await visit(untilSnapshot)).toBe(keys)
    const [newest] = await query<{ missing: string[] }>(
      url,
      'select missing from tidemark_store.snapshots order by revision desc limit 1',
    )
    expect(newest?.missing, 'a snapshot that holds it lacks nothing').toEqual([])
    expect(await visit()).toBe(keys)
  })

  test('mended while the document is open: the open one goes on without it, and the next opening has it', async () => {
    const found = await visit(async (document) => {
      await query(url, repairWith(original()))
      await untilSnapshot(document)
      expect(document.getMap('map').get(`key ${keys - 1}`)).toBeUndefined()
    })
    expect(found).toBe(damagedRevision - 1)
    expect(await visit()).toBe(keys)
  })

  test('another process put it into quarantine while this one loaded the document', async () => {
    let isQuarantined = false
    const meanwhile: Database = {
      ...database,
      run: async (statement, values) => {
        if (statement.name === 'tidemark-document-page' && !isQuarantined) {
          isQuarantined = true
          await visit()
        }
        return database.run(statement, values)
      },
    }
    expect(await visit(untilSnapshot, meanwhile)).toBe(damagedRevision - 1)
    await query(url, repairWith(original()))
    expect(await visit()).toBe(keys)
  })

  test('another process put it into quarantine before this one, which has the document open, came to read it', async () => {
    await query(url, repairWith(original()))
    const other = new Y.Doc()
    other.getMap('map').set('key of another', 'mended')
    const late = Y.encodeStateAsUpdate(other)
    const found = await visit(async (document) => {
      await query(
        url,
        `with document as (update tidemark_store.documents set head = head + 1, updated_at = now() returning id, head)
         insert into tidemark_store.updates (document_id, revision, bytes) select id, head, $1 from document`,
        [Buffer.of(9, 9, 9, 9)],
      )
      await visit()
      await untilSnapshot(document)
    })
    expect(found).toBe(keys)
    await query(url, 'update tidemark_store.updates set bytes = $1 where revision = $2', [Buffer.from(late), keys + 1])
    await query(url, 'delete from tidemark_store.quarantine')
    expect(await visit()).toBe(keys + 1)
  })

  test('only the entry removed, the row as damaged as before: it goes back into quarantine', async () => {
    await visit(untilSnapshot)
    await query(url, 'delete from tidemark_store.quarantine')
    expect(await visit()).toBe(damagedRevision - 1)
    expect(await query(url, 'select revision from tidemark_store.quarantine')).toHaveLength(1)
  })

  test('a row whose checksum is wrong is damaged, though it decodes', async () => {
    const other = new Y.Doc()
    other.getMap('map').set('key 41', 'believed')
    await query(url, 'update tidemark_store.updates set bytes = $1, crc = 12345 where revision = $2', [
      Buffer.from(Y.encodeStateAsUpdate(other)),
      damagedRevision,
    ])
    expect(await visit()).toBe(damagedRevision - 1)
    await query(url, repairWith(original()))
    expect(await visit()).toBe(keys)
  })
})
