import { TidemarkError } from '@tidemark/shared'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { everySecond, manyStructs, manyValues } from '../../../test/helpers/many-structs.ts'
import { Application } from './apply.ts'
import { Memory } from './memory.ts'
import { DocumentSize } from './size.ts'
import { NeedReading } from './weight.ts'

const mib = 1024 * 1024
const unlimited = 2 ** 40
const heap = 20 * mib
/** How many letters by themselves a document may have. */
const most = (0.4 * heap) / 300

/** A document in a process with a heap of 20 MiB, as the gate applies edits to it. */
function growing(memory = new Memory(heap, () => 0)) {
  const document = new Y.Doc()
  const size = new DocumentSize(document, memory)
  const rows: Uint8Array[] = []
  const offer = (update: Uint8Array): boolean => {
    const decoded = Y.decodeUpdate(update)
    const need = new NeedReading(document)
    need.add(decoded)
    const bringsContent = decoded.structs.some(
      (struct) => struct instanceof Y.Item && !(struct.content instanceof Y.ContentDeleted),
    )
    const change = { bringsContent, bytes: update.byteLength, heap: need.heap, freed: () => need.freed }
    if (!size.hasRoomFor(change, unlimited)) return false
    Y.applyUpdate(document, update)
    size.grow(update.byteLength)
    rows.push(update)
    return true
  }
  const edit = (write: (doc: Y.Doc) => void): boolean => {
    const writer = new Y.Doc()
    Y.applyUpdate(writer, Y.encodeStateAsUpdate(document))
    const before = Y.encodeStateVector(writer)
    writer.transact(() => write(writer))
    return offer(Y.encodeStateAsUpdate(writer, before))
  }
  /** Offers 1,000 more of these until they are refused. @returns how many there are */
  const fill = (content: Parameters<typeof manyStructs>[0], client: number): number => {
    for (let from = 0; ; from += 1_000)
      if (from > 100_000 || !offer(manyStructs(content, { client, from, count: 1_000 }))) return from
  }
  return { document, size, memory, rows, offer, edit, fill }
}

/** Loads what was accepted, into a process of its own. */
async function loaded(rows: readonly Uint8Array[], memory = new Memory(heap, () => 0)): Promise<Y.Doc> {
  const target = new Y.Doc()
  const application = new Application(target, 'together', new DocumentSize(target, memory))
  await application.apply(rows.map((bytes, index) => ({ source: 'update', revision: index + 1, bytes, crc: null })))
  application.end()
  return target
}

const codeOf = (loading: Promise<unknown>): Promise<string> =>
  loading.then(
    () => 'loaded',
    (error: unknown) => (error instanceof TidemarkError ? error.code : String(error)),
  )

describe('[R6.55] what a document takes of the heap is bounded', () => {
  test.each(['letter', 'map', 'value', 'bytes'] as const)('%s: what was accepted opens again', async (content) => {
    const { document, fill, rows } = growing()
    const count = fill(content, 7)
    expect(count).toBeGreaterThan(most / 5)
    expect(count).toBeLessThanOrEqual(most)
    const again = await loaded(rows)
    expect(Y.encodeStateVector(again)).toEqual(Y.encodeStateVector(document))
    const snapshot = await loaded([Y.encodeStateAsUpdate(document)])
    expect(Y.encodeStateVector(snapshot)).toEqual(Y.encodeStateVector(document))
  })

  test('values count, of a few bytes as they are sent', () => {
    const { offer } = growing()
    const values = Array.from({ length: 20_000 }, () => ({}))
    const offered = [1, 2, 3, 4, 5].map((client) => offer(manyValues(client, values)))
    expect(offered).toEqual([true, true, false, false, false])
  })

  test('what comes deleted takes as much, and is refused a fourth later', async () => {
    const { fill, rows } = growing()
    const letters = fill('letter', 7)
    expect(letters).toBeGreaterThan(most * 0.9)
    const deleted = fill('deleted', 8)
    expect(letters + deleted).toBeGreaterThan(most * 1.1)
    expect(letters + deleted).toBeLessThanOrEqual(most * 1.25)
    expect(await codeOf(loaded(rows))).toBe('loaded')
  })

  test('deletions that cut a text into pieces are refused in the end', async () => {
    const { document, edit, offer, rows } = growing()
    expect(edit((doc) => doc.getText('t').insert(0, 'x'.repeat(200_000)))).toBe(true)
    const [client] = document.store.clients.keys()
    let cut = 0
    while (cut < 100_000 && offer(everySecond(client as number, { from: 2 * cut, count: 1_000 }))) cut += 1_000
    // two pieces for each
    expect(2 * cut).toBeGreaterThan(most)
    expect(2 * cut).toBeLessThanOrEqual(most * 1.25)
    expect(await codeOf(loaded(rows))).toBe('loaded')
    // one by one, beyond that
    let more = 0
    while (more < 20_000 && offer(everySecond(client as number, { from: 2 * (cut + more), count: 1 }))) more++
    expect(2 * (cut + more)).toBeLessThanOrEqual(most * 1.5)
    expect(await codeOf(loaded(rows))).toBe('loaded')
  })

  test('[R8.4] at the limit: deletions and what replaces something pass, and what was removed makes room', () => {
    const { edit, fill, offer } = growing()
    expect(edit((doc) => doc.getMap('m').set('large', 'x'.repeat(mib)))).toBe(true)
    fill('letter', 7)
    const more = manyStructs('letter', { client: 9, count: 1_000 })
    expect(offer(more)).toBe(false)
    for (let index = 0; index < 12; index++)
      expect(edit((doc) => doc.getMap('m').set('large', String(index % 10).repeat(mib)))).toBe(true)
    expect(edit((doc) => doc.getText('of 7').delete(0, 10))).toBe(true)
    expect(edit((doc) => doc.getMap('m').delete('large'))).toBe(true)
    expect(offer(more)).toBe(true)
  })

  test('a person who types, deletes and types again meets no limit: what is put together or gone does not count', async () => {
    const small = heap / 5
    const { document, edit, rows, size } = growing(new Memory(small, () => 0))
    const writer = new Y.Doc()
    const updates: Uint8Array[] = []
    writer.on('update', (update: Uint8Array) => updates.push(update))
    for (let index = 0; index < (3 * most) / 5; index++) {
      const text = writer.getText('t')
      text.insert(text.length, 'x')
      if (text.length > 1_000) text.delete(0, 900)
    }
    for (const update of updates) {
      Y.applyUpdate(document, update)
      rows.push(update)
    }
    expect(size.heap).toBeLessThan(0.1 * small)
    expect(edit((doc) => doc.getMap('m').set('k', 1))).toBe(true)
    expect(await codeOf(loaded(rows, new Memory(small, () => 0)))).toBe('loaded')
  })

  test('one that needs more is not opened, and leaves nothing counted', async () => {
    const memory = new Memory(heap, () => 0)
    const rows = [1, 2].map((client) => manyStructs('letter', { client, count: (0.35 * heap) / 300 }))
    expect(await codeOf(loaded(rows.slice(0, 1), new Memory(heap, () => 0)))).toBe('loaded')
    const target = new Y.Doc()
    const application = new Application(target, 'together', new DocumentSize(target, memory))
    const stored = rows.map((bytes, index) => ({ source: 'update' as const, revision: index + 1, bytes, crc: null }))
    expect(await codeOf(application.apply(stored))).toBe('document-load-failed')
    expect(memory.total).toBeGreaterThan(0.5 * heap)
    target.destroy()
    expect(memory.total).toBe(0)
  })
})

describe('[R6.56] what all documents take of the heap is bounded', () => {
  test('what needs much is refused before what needs little, and has room again when a document has left', async () => {
    const memory = new Memory(heap, () => 0)
    const documents = [1, 2, 3].map(() => growing(memory))
    const much = 0.2 * heap
    for (const [index, { offer }] of documents.entries()) {
      expect(memory.hasRoomFor(much)).toBe(true)
      expect(offer(manyStructs('letter', { client: index + 1, count: much / 300 }))).toBe(true)
    }
    expect(memory.hasRoomFor(much), '60 % are taken').toBe(false)
    expect(memory.hasRoomFor(300)).toBe(true)
    expect(await codeOf(loaded([manyStructs('letter', { client: 7, count: much / 300 })], memory))).toBe('server-busy')
    expect(await codeOf(loaded([manyStructs('letter', { client: 7, count: 10 })], memory))).toBe('loaded')
    documents[0]?.document.destroy()
    documents[1]?.document.destroy()
    // the one that was not opened is still there in this test
    expect(memory.hasRoomFor(much / 2)).toBe(true)
    expect(await codeOf(loaded([manyStructs('letter', { client: 7, count: much / 2 / 300 })], memory))).toBe('loaded')
  })

  test('beyond what is kept for small edits nothing that brings content passes', () => {
    const memory = new Memory(heap, () => 0)
    const [one, two, three] = [growing(memory), growing(memory), growing(memory)]
    one.fill('letter', 1)
    two.fill('letter', 2)
    expect(memory.hasRoomFor(300)).toBe(true)
    for (let from = 0; memory.hasRoomFor(300); from += 100)
      expect(three.offer(manyStructs('letter', { client: 3, from, count: 100 }))).toBe(true)
    expect(memory.total / heap).toBeGreaterThan(0.84)
    expect(memory.total / heap).toBeLessThan(0.86)
  })

  test('a heap that something else fills counts, too', () => {
    const memory = new Memory(heap, () => 0.9 * heap)
    expect(memory.hasRoomFor(0.01 * heap)).toBe(false)
    expect(memory.hasRoomFor(300)).toBe(true)
  })

  test('[R6.57] documents are measured before anybody is refused for what is gone', async () => {
    const memory = new Memory(heap, () => 0)
    const documents = [1, 2].map(() => growing(memory))
    for (const { document } of documents)
      for (let index = 0; index < 40; index++) document.getMap('m').set('key', String(index % 10).repeat(mib / 4))
    await new Promise(setImmediate)
    expect(memory.total / heap).toBeLessThan(0.7)
    expect(memory.hasRoomFor(300)).toBe(true)
  })
})

describe('[R6.57] a large document is measured in turns', () => {
  test('meanwhile the last measurement counts, and those who wait are told when it has ended', async () => {
    const limit = 400 * mib
    const memory = new Memory(limit, () => 0)
    const { document, offer, size } = growing(memory)
    let isMeasured = false
    size.measured = () => {
      isMeasured = true
    }
    for (let client = 1; client <= 2; client++)
      expect(offer(manyStructs('letter', { client, count: 20_000 }))).toBe(true)
    // what is overwritten is counted until it is measured
    for (let index = 0; index < 12; index++) document.getMap('m').set('key', String(index).repeat(14 * mib))
    expect(size.heap).toBeGreaterThan(0.4 * limit)
    const more = manyValues(99, ['x'.repeat(20 * mib)])
    expect(offer(more)).toBe(false)
    expect(isMeasured, 'it takes several turns').toBe(false)
    await size.measure()
    expect(isMeasured).toBe(true)
    expect(offer(more)).toBe(true)
  })
})
