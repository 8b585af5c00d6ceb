import type { Document } from '@hocuspocus/server'
import { TidemarkError } from '@tidemark/shared'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { findOrCreate, saveSnapshot } from './store.ts'
import { failing, makeDocuments } from './testing.ts'

let database: Database

beforeAll(async () => {
  database = await openDatabase({ databaseUrl: await freshDatabase() }, () => {})
})

afterAll(async () => {
  await database.close()
})

async function storeUpdates(name: string, updates: Uint8Array[]): Promise<{ id: number; epoch: string }> {
  const { id, epoch } = await findOrCreate(database, name)
  for (const [index, bytes] of updates.entries()) {
    await database.kysely
      .insertInto('updates')
      .values({ document_id: id, revision: index + 1, bytes, author: null })
      .execute()
  }
  await database.kysely.updateTable('documents').set({ head: updates.length }).where('id', '=', id).execute()
  return { id, epoch }
}

function updateOf(write: (doc: Y.Doc) => void): Uint8Array {
  const doc = new Y.Doc()
  write(doc)
  return Y.encodeStateAsUpdate(doc)
}

const at = (revision: number) => ({ revision, stamp: null })
const damaged = Uint8Array.of(9, 9, 9, 9)
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
const connectionFailure = () => Object.assign(new Error('Connection terminated'), { code: '57P01' })

/** Every document object that Hocuspocus makes, whether it is ever handed out or not. */
function witness({ documents }: ReturnType<typeof makeDocuments>): Document[] {
  const made: Document[] = []
  const load = documents.extension.onLoadDocument
  documents.extension.onLoadDocument = (payload) => {
    made.push(payload.document)
    return load?.(payload) ?? Promise.resolve()
  }
  return made
}

describe('[R6.10] a document whose loading fails leaves nothing behind', () => {
  test.each([
    { what: 'the database is away', statement: 'tidemark-document-find', error: connectionFailure() },
    { what: 'a fault of ours', statement: 'tidemark-document-find', error: new TypeError('x is not a function') },
  ])('$what: no document, no timer, however often it is tried', async ({ statement, error }) => {
    const world = makeDocuments(failing(database, (name) => (name === statement ? error : null)))
    const made = witness(world)
    const before = timers()
    const printed = vi.spyOn(console, 'error')
    for (let attempt = 0; attempt < 200; attempt++) {
      await expect(world.hocuspocus.openDirectConnection('away')).rejects.toBeInstanceOf(Error)
    }
    expect(printed, 'it is logged once, by us').not.toHaveBeenCalled()
    printed.mockRestore()
    expect(made).toHaveLength(200)
    expect(made.filter(({ isDestroyed }) => !isDestroyed)).toEqual([])
    expect(timers()).toBeLessThanOrEqual(before)
    expect(world.hocuspocus.documents.size + world.hocuspocus.loadingDocuments.size).toBe(0)
    expect(world.documents.count).toBe(0)
  })

  test('a row that is put into quarantine: only the document that was opened without it stays', async () => {
    await storeUpdates('with a damaged row', [damaged])
    const world = makeDocuments(database)
    const made = witness(world)
    const connection = await world.hocuspocus.openDirectConnection('with a damaged row')
    expect(world.quarantined).toEqual(['update 1 does not decode and was put into quarantine'])
    expect(made.map(({ isDestroyed }) => isDestroyed)).toEqual([true, false])
    await connection.disconnect()
    await expect.poll(() => made.map(({ isDestroyed }) => isDestroyed)).toEqual([true, true])
    expect(world.documents.count).toBe(0)
  })
})

describe('[R5.6] a quarantine that cannot be written now is tried again, and is nobody’s task', () => {
  test('the database fails while the row is put aside: storage-unavailable, and the next opening works', async () => {
    await storeUpdates('outage in quarantine', [damaged, updateOf((doc) => doc.getText('text').insert(0, 'good'))])
    let isAway = true
    const world = makeDocuments(
      failing(database, (name) => (isAway && name === 'tidemark-quarantine' ? connectionFailure() : null)),
    )
    await expect(world.hocuspocus.openDirectConnection('outage in quarantine')).rejects.toMatchObject({
      reason: 'storage-unavailable',
    })
    expect(world.failures[0]?.cause).toBeInstanceOf(TidemarkError)
    isAway = false
    const connection = await world.hocuspocus.openDirectConnection('outage in quarantine')
    expect(connection.document?.getText('text').toString()).toBe('good')
    await connection.disconnect()
  })

  test('the reason quotes what stood in the row, a zero too', async () => {
    // an embed whose JSON begins with a zero: the parser's message repeats it
    const embed = updateOf((doc) => doc.getText('text').insertEmbed(0, { a: 1 }))
    const at = Buffer.from(embed).indexOf('{"a":1}')
    const withZero = embed.slice()
    withZero[at] = 0
    await storeUpdates('zero', [withZero])
    const world = makeDocuments(database)
    const connection = await world.hocuspocus.openDirectConnection('zero')
    expect(world.quarantined).toHaveLength(1)
    await connection.disconnect()
  })
})

describe('[R6.11] pruning keeps the newest snapshot that is good beside a new one', () => {
  const snapshotsOf = async (id: number) =>
    (
      await database.kysely
        .selectFrom('snapshots')
        .where('document_id', '=', id)
        .select('revision')
        .orderBy('revision')
        .execute()
    ).map(({ revision }) => revision)

  async function putIntoQuarantine(id: number, revision: number): Promise<void> {
    await database.kysely
      .insertInto('quarantine')
      .values({ document_id: id, revision, source: 'snapshot', bytes: damaged, reason: 'test' })
      .execute()
  }

  test('a quarantined snapshot is not the good older one', async () => {
    const bytes = updateOf((doc) => doc.getText('text').insert(0, 'text'))
    const document = await storeUpdates('pruning', [bytes, bytes, bytes, bytes])
    for (const revision of [1, 2]) await saveSnapshot(database, document, at(revision), bytes)
    await putIntoQuarantine(document.id, 2)
    await saveSnapshot(database, document, at(3), bytes)
    expect(await snapshotsOf(document.id)).toEqual([1, 2, 3])
    await saveSnapshot(database, document, at(4), bytes)
    expect(await snapshotsOf(document.id)).toEqual([3, 4])
  })

  test('where all older ones are in quarantine, nothing is thrown away', async () => {
    const bytes = updateOf((doc) => doc.getText('text').insert(0, 'text'))
    const document = await storeUpdates('nothing good', [bytes, bytes])
    await saveSnapshot(database, document, at(1), bytes)
    await putIntoQuarantine(document.id, 1)
    await saveSnapshot(database, document, at(2), bytes)
    expect(await snapshotsOf(document.id)).toEqual([1, 2])
  })
})

test('[R8.3] the update that makes a snapshot due is counted before it is asked whether one is due', async () => {
  const world = makeDocuments(database)
  const saved = new Promise<void>((resolve) => world.documents.events.on('snapshot', () => resolve()))
  const connection = await world.hocuspocus.openDirectConnection('one large edit')
  await connection.transact((document) => document.getText('text').insert(0, 'x'.repeat(40_000)))
  await saved
  await connection.disconnect()
})
