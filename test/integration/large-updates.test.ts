import { syncType } from '@tidemark/shared'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../helpers/postgres.ts'
import { RawClient, type Said } from '../helpers/raw-client.ts'
import { ServerProcess } from '../helpers/server.ts'
import { secret, token } from '../helpers/tokens.ts'
import { until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

const document = 'plan'
const paragraphs = 8_000

/** A book in one edit. */
function book(doc: Y.Doc): Uint8Array {
  const before = Y.encodeStateVector(doc)
  doc.transact(() => {
    const added = Array.from({ length: paragraphs }, (_, index) => {
      const paragraph = new Y.XmlElement('paragraph')
      paragraph.insert(0, [new Y.XmlText(`what stands in paragraph ${index}`)])
      return paragraph
    })
    doc.getXmlFragment('book').insert(0, added)
  })
  return Y.encodeStateAsUpdate(doc, before)
}

const lengthOf = (doc: Y.Doc) => doc.getXmlFragment('book').length

/** What a document would be to somebody who applies each message as it comes. */
function lengthsSeen({ said }: RawClient): number[] {
  const doc = new Y.Doc()
  const seen: number[] = []
  for (const message of said) {
    if (message.kind !== 'sync' || message.type === syncType.step1) continue
    Y.applyUpdate(doc, message.payload)
    seen.push(lengthOf(doc))
  }
  return seen
}

const statuses = ({ said }: RawClient) =>
  said.filter((message): message is Extract<Said, { kind: 'status' }> => message.kind === 'status').map((s) => s.saved)

test('[R6.34] [R1] nobody gets a part of a large update; others write meanwhile; acknowledged, it survives kill -9', async () => {
  await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
  using honest = new Writer({ url: server.sync, document })
  await honest.synced()
  using watcher = await RawClient.open(server.sync, document)
  using author = await RawClient.open(server.sync, document)
  const doc = new Y.Doc()
  author.update(document, book(doc))
  doc.getText('title').insert(0, 'The title')
  // many times while it is applied: those who ask get all of it or nothing
  const edits: string[] = []
  while (statuses(author).length === 0) {
    edits.push(honest.write())
    watcher.sync(document, syncType.step1, Y.encodeStateVector(new Y.Doc()))
    using newcomer = await RawClient.open(server.sync, document)
    newcomer.sync(document, syncType.step1, Y.encodeStateVector(new Y.Doc()))
    await until('it is answered', () => newcomer.said.some(({ kind }) => kind === 'sync'), { timeout: 20_000 })
    expect(lengthsSeen(newcomer).every((length) => length === 0 || length === paragraphs)).toBe(true)
  }
  expect(statuses(author)).toEqual([true])
  await honest.drained(20_000)
  await until('the watcher has it', () => lengthsSeen(watcher).includes(paragraphs), { timeout: 20_000 })
  expect(new Set(lengthsSeen(watcher).filter((length) => length > 0))).toEqual(new Set([paragraphs]))
  await server.kill9()
  await server.start()
  expect(await readEdits({ url: server.sync, document })).toEqual(edits)
  using reader = new Writer({ url: server.sync, document })
  await reader.synced()
  expect(lengthOf(reader.doc)).toBe(paragraphs)
})

test('[R6.34] [R5.9] [R1.2] what is written behind a large update that is refused is refused as well, in its order', async () => {
  await using server = await ServerProcess.start({
    databaseUrl: await freshDatabase(),
    env: { TIDEMARK_LIMIT_UPDATE_PARTS: '5000' },
  })
  using author = await RawClient.open(server.sync, document)
  const doc = new Y.Doc()
  const other = new Y.Doc()
  other.getText('title').insert(0, 'by somebody else')
  author.update(document, book(doc))
  const before = Y.encodeStateVector(doc)
  doc.getText('title').insert(0, 'stands on it')
  author.update(document, Y.encodeStateAsUpdate(doc, before))
  author.update(document, Y.encodeStateAsUpdate(other))
  await until('all are answered', () => statuses(author).length === 3, { timeout: 20_000 })
  expect(statuses(author)).toEqual([false, false, true])
  expect(author.reasons).toEqual(['update-too-complex', 'update-too-complex'])
  using reader = new Writer({ url: server.sync, document })
  await reader.synced()
  expect([lengthOf(reader.doc), reader.doc.getText('title').toString()]).toEqual([0, 'by somebody else'])
})

test('[R6.34] [S4] what a reader sends is acknowledged when the document has it, and changes nothing', async () => {
  await using server = await ServerProcess.start({ databaseUrl: await freshDatabase(), secret })
  using author = await RawClient.open(server.sync, document, await token())
  const doc = new Y.Doc()
  const update = book(doc)
  author.update(document, update)
  await until('it is answered', () => statuses(author).length === 1, { timeout: 20_000 })
  const may = await token({ subject: 'reader', documents: { '*': 'read' } })
  using reader = await RawClient.open(server.sync, document, may)
  reader.sync(document, syncType.step2, update)
  reader.sync(document, syncType.step2, Uint8Array.of(0, 0))
  doc.getText('title').insert(0, 'not for readers to write')
  reader.sync(document, syncType.step2, Y.encodeStateAsUpdate(doc))
  await until('all are answered', () => statuses(reader).length === 3, { timeout: 20_000 })
  expect(statuses(reader)).toEqual([true, true, false])
  expect(reader.reasons).toEqual(['read-only'])
})
