import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { makeDocuments } from './testing.ts'

let database: Database

beforeAll(async () => {
  database = await openDatabase({ databaseUrl: await freshDatabase() }, () => {})
})

afterAll(async () => {
  await database.close()
})

/** Two people make the same word bold, and neither knows of the other: one of their formats is superfluous. */
function boldTwice(): Uint8Array[] {
  const text = (doc: Y.Doc) => doc.getXmlFragment('page').get(0) as Y.XmlText
  const first = new Y.Doc()
  first.getXmlFragment('page').insert(0, [new Y.XmlText('some words')])
  const common = Y.encodeStateAsUpdate(first)
  const second = new Y.Doc()
  Y.applyUpdate(second, common)
  const known = Y.encodeStateVector(first)
  for (const doc of [first, second]) text(doc).format(0, 4, { bold: true })
  return [common, Y.encodeStateAsUpdate(first, known), Y.encodeStateAsUpdate(second, known)]
}

const deletionsIn = (document: Y.Doc) => Y.createDeleteSetFromStructStore(document.store).clients.size

function stock(updates: Uint8Array[]): Y.Doc {
  const document = new Y.Doc()
  for (const update of updates) Y.applyUpdate(document, update)
  return document
}

test('[R6.43] superfluous formats are left to the clients: the server takes nothing out of a document by itself', async () => {
  const updates = boldTwice()
  expect(deletionsIn(stock(updates)), 'what a client takes out').toBeGreaterThan(0)

  const { documents, hocuspocus } = makeDocuments(database)
  const connection = await hocuspocus.openDirectConnection('formats')
  const { document, snapshot } = documents.get('formats') ?? expect.unreachable()
  for (const update of updates) Y.applyUpdate(document, update)
  expect(deletionsIn(document)).toBe(0)
  expect(snapshot.tail.rows, 'rows of its own').toBe(updates.length)
  await connection.disconnect()

  await expect.poll(() => documents.get('formats')).toBeUndefined()
  const again = await hocuspocus.openDirectConnection('formats')
  const loaded = documents.get('formats')?.document ?? expect.unreachable()
  expect(deletionsIn(loaded)).toBe(0)
  // what a client takes out is taken
  Y.applyUpdate(loaded, Y.encodeStateAsUpdate(stock(updates)))
  expect(deletionsIn(loaded)).toBeGreaterThan(0)
  await again.disconnect()
})
