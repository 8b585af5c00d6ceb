import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDataFolder } from '../../../test/helpers/data-folder.ts'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { createCatalogue } from './catalogue.ts'

describe.each(['postgres', 'pglite'] as const)('[C9] finding documents on %s', (kind) => {
  let database: Database
  let folder: string | null = null

  beforeAll(async () => {
    if (kind === 'pglite') folder = await newDataFolder()
    const place = folder === null ? { databaseUrl: await freshDatabase() } : { dataFolder: folder }
    database = await openDatabase(place, () => {})
    await fill(database)
  })

  afterAll(async () => {
    await database.close()
    if (folder !== null) await rm(folder, { recursive: true })
  })

  test('sums up what opening a document reads: the newest snapshot, and the journal after it', async () => {
    const { documents } = await createCatalogue(database.kysely).list({ search: 'long', limit: 10, cursor: null })
    expect(documents).toMatchObject([
      { name: 'long', head: 20, snapshot: { revision: 18, bytes: 300 }, tail: { updates: 2, bytes: 390 } },
    ])
    expect(documents[0]?.updatedAt).toBeInstanceOf(Date)
  })

  test('adds the whole journal and the quarantine for one document', async () => {
    const found = await createCatalogue(database.kysely).find('long')
    expect(found).toMatchObject({
      journal: { updates: 20, bytes: 2100 },
      quarantined: [{ revision: 7, source: 'update', bytes: 9, reason: 'does not decode' }],
    })
    expect(await createCatalogue(database.kysely).find('LONG')).toBeNull()
  })

  test('a document that nobody wrote to has neither snapshot nor journal', async () => {
    expect(await createCatalogue(database.kysely).find('empty')).toMatchObject({
      head: 0,
      snapshot: null,
      tail: { updates: 0, bytes: 0 },
      journal: { updates: 0, bytes: 0 },
      quarantined: [],
    })
  })

  test('pages hold each document once, in one order, while others are added', async () => {
    const catalogue = createCatalogue(database.kysely)
    const whole = await catalogue.list({ search: '', limit: 200, cursor: null })
    expect(whole.next).toBeNull()
    const names: string[] = []
    let cursor: string | null = null
    do {
      const page = await catalogue.list({ search: '', limit: 7, cursor })
      names.push(...page.documents.map(({ name }) => name))
      cursor = page.next
      await database.kysely
        .insertInto('documents')
        .values({ name: `! added after ${names.length}` })
        .execute()
    } while (cursor !== null)
    expect(names.filter((name) => !name.startsWith('!'))).toEqual(whole.documents.map(({ name }) => name))
  })
})

async function fill({ kysely }: Database): Promise<void> {
  const names = ['empty', ...Array.from({ length: 20 }, (_, index) => `notes/${index}`), 'Ümlaut', '#']
  await kysely
    .insertInto('documents')
    .values(names.map((name) => ({ name })))
    .execute()
  const { id } = await kysely
    .insertInto('documents')
    .values({ name: 'long', head: 20 })
    .returning('id')
    .executeTakeFirstOrThrow()
  const bytes = (length: number) => new Uint8Array(length)
  for (let revision = 1; revision <= 20; revision++) {
    await kysely
      .insertInto('updates')
      .values({ document_id: id, revision, bytes: bytes(10 * revision), author: null })
      .execute()
  }
  await kysely
    .insertInto('snapshots')
    .values([
      { document_id: id, revision: 9, bytes: bytes(200) },
      { document_id: id, revision: 18, bytes: bytes(300) },
    ])
    .execute()
  const row = { document_id: id, revision: 7, source: 'update', bytes: bytes(9), reason: 'does not decode' } as const
  await kysely.insertInto('quarantine').values(row).execute()
}
