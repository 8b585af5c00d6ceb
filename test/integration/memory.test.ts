import { HocuspocusProvider } from '@hocuspocus/provider'
import { createClient } from '@tidemark/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { Memory } from '../../server/src/documents/memory.ts'
import { DocumentSize } from '../../server/src/documents/size.ts'
import { LocalServer } from '../../server/src/sockets/testing.ts'
import { manyStructs } from '../helpers/many-structs.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { until } from '../helpers/until.ts'

const mib = 1024 * 1024
const memory = new Memory(60 * mib, () => 0)
let server: LocalServer

beforeAll(async () => {
  server = await LocalServer.start(await freshDatabase(), {}, memory)
})
afterAll(async () => server[Symbol.asyncDispose]())

/** What others hold of the memory, until they leave. */
class Others implements Disposable {
  readonly #doc = new Y.Doc()
  readonly #size = new DocumentSize(this.#doc, memory)

  hold(share: number): void {
    this.#size.reserve(share * memory.limit - memory.total)
  }

  [Symbol.dispose](): void {
    this.#doc.destroy()
  }
}

const codes = (name: string) => server.log.filter(({ document }) => document === name).map(({ code }) => code)
const book = (doc: Y.Doc) => {
  doc.transact(() => {
    const paragraphs = Array.from({ length: 3_000 }, (_, index) => {
      const paragraph = new Y.XmlElement('paragraph')
      paragraph.insert(0, [new Y.XmlText(`paragraph ${index}`)])
      return paragraph
    })
    doc.getXmlFragment('book').insert(0, paragraphs)
  })
}

async function stored(name: string): Promise<number> {
  const reader = new HocuspocusProvider({ url: server.sync, name, token: 'x' })
  await until('synced', () => reader.synced)
  const { length } = reader.document.getXmlFragment('book')
  reader.destroy()
  return length
}

describe('[R6.56] while the documents fill the memory', { timeout: 60_000 }, () => {
  test('a large edit of a Tidemark client stays pending and is saved when there is room; what is typed is saved meanwhile', async () => {
    const others = new Others()
    const client = createClient({
      url: server.sync,
      auth: async () => 'x',
      log: () => {},
      retry: { kind: 'steps', delays: [200], jitter: false },
    })
    const document = client.open('book')
    await document.whenSynced
    using typist = await RawClient.open(server.sync, 'typed')
    others.hold(0.69)
    book(document.doc)
    await until('it is refused', () => codes('book').includes('server-busy'))
    expect(document.status.kind).not.toBe('saved')
    typist.update('typed', manyStructs('letter', { client: 7, count: 1 }))
    await until('what is typed is saved', () => typist.said.some((said) => said.kind === 'status' && said.saved))
    others[Symbol.dispose]()
    await until('saved', () => document.status.kind === 'saved', { timeout: 15_000 })
    expect(await stored('book')).toBe(3_000)
    await client.close()
  })

  test('a stock client sends it again by itself', async () => {
    const others = new Others()
    const provider = new HocuspocusProvider({ url: server.sync, name: 'stock', token: 'x' })
    await until('synced', () => provider.synced)
    others.hold(0.69)
    book(provider.document)
    await until('it is refused', () => codes('stock').includes('server-busy'))
    expect(provider.hasUnsyncedChanges).toBe(true)
    others[Symbol.dispose]()
    await until('saved', () => provider.synced && !provider.hasUnsyncedChanges, { timeout: 30_000 })
    expect(await stored('stock')).toBe(3_000)
    provider.destroy()
  })

  test('deletions are taken, however full it is', async () => {
    using others = new Others()
    using client = await RawClient.open(server.sync, 'deleted')
    client.update('deleted', manyStructs('letter', { client: 7, count: 10 }))
    await until('saved', () => client.said.some((said) => said.kind === 'status' && said.saved))
    others.hold(0.95)
    const doc = new Y.Doc()
    Y.applyUpdate(doc, manyStructs('letter', { client: 7, count: 10 }))
    const before = Y.encodeStateVector(doc)
    doc.getText('of 7').delete(0, 3)
    client.update('deleted', Y.encodeStateAsUpdate(doc, before))
    await until('saved', () => client.said.filter((said) => said.kind === 'status' && said.saved).length === 2)
    client.update('deleted', manyStructs('letter', { client: 8, count: 1 }))
    expect(await client.reason('what brings content')).toBe('server-busy')
  })

  test('a document that is closed gives back what it took', async () => {
    const before = memory.total
    const client = await RawClient.open(server.sync, 'closed')
    client.update('closed', manyStructs('letter', { client: 7, count: 20_000 }))
    await until('saved', () => client.said.some((said) => said.kind === 'status' && said.saved))
    expect(memory.total - before).toBeGreaterThan(20_000 * 200)
    client[Symbol.dispose]()
    await until('it has left', () => memory.total <= before, { timeout: 15_000 })
  })
})
