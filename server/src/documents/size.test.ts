import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { Random } from '../../../test/helpers/random.ts'
import { Memory } from './memory.ts'
import { DocumentSize } from './size.ts'
import { NeedReading, weightOf } from './weight.ts'

const text = (length: number, letter = 'x') => letter.repeat(length)

function changeOf(update: Uint8Array, document: Y.Doc) {
  const decoded = Y.decodeUpdate(update)
  const need = new NeedReading(document)
  need.add(decoded)
  const bringsContent = decoded.structs.length > 0
  return { bringsContent, bytes: update.byteLength, heap: need.heap, freed: () => need.freed }
}

/** A document behind a limit, as the gate applies it. @returns whether the edit was let through */
function limited(limit: number, heap = 2 ** 32) {
  const document = new Y.Doc()
  const size = new DocumentSize(document, new Memory(heap, () => 0))
  const edit = (write: (doc: Y.Doc) => void): boolean => {
    const writer = new Y.Doc()
    Y.applyUpdate(writer, Y.encodeStateAsUpdate(document))
    let update: Uint8Array = new Uint8Array()
    writer.on('update', (bytes: Uint8Array) => {
      update = bytes
    })
    writer.transact(() => write(writer))
    if (!size.hasRoomFor(changeOf(update, document), limit)) return false
    Y.applyUpdate(document, update)
    size.grow(update.byteLength)
    return true
  }
  return { document, size, edit }
}

describe('[R8.4] the size of a document', () => {
  test('is about what it takes encoded, of whatever it is made', () => {
    const random = new Random(7)
    for (const fill of [
      (doc: Y.Doc) => doc.getText('t').insert(0, text(20_000, 'ü')),
      (doc: Y.Doc) => {
        for (let index = 0; index < 2_000; index++)
          doc.getText('t').insert(random.int(0, doc.getText('t').length), 'word ')
      },
      (doc: Y.Doc) => {
        for (let index = 0; index < 500; index++)
          doc.getMap('m').set(`key ${index % 50}`, { a: [index, 'b', 1.5], c: text(40) })
      },
      (doc: Y.Doc) =>
        doc.getArray('a').push([new Uint8Array(30_000), ...Array.from({ length: 500 }, (_, index) => index)]),
      (doc: Y.Doc) => {
        for (let index = 0; index < 300; index++) {
          const element = new Y.XmlElement('paragraph')
          element.insert(0, [new Y.XmlText(text(50))])
          doc.getXmlFragment('x').insert(0, [element])
        }
      },
    ]) {
      const doc = new Y.Doc()
      fill(doc)
      const encoded = Y.encodeStateAsUpdate(doc).byteLength
      expect(weightOf(doc).bytes / encoded).toBeGreaterThan(0.7)
      expect(weightOf(doc).bytes / encoded).toBeLessThan(1.5)
    }
  })

  test('what a deletion frees is what is missing afterwards', () => {
    const doc = new Y.Doc()
    doc.getMap('m').set('large', text(10_000))
    doc.getText('t').insert(0, text(5_000))
    const before = weightOf(doc).bytes
    const vector = Y.encodeStateVector(doc)
    const other = new Y.Doc()
    Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
    other.getMap('m').delete('large')
    other.getText('t').delete(1_000, 2_000)
    const update = Y.encodeStateAsUpdate(other, vector)
    const freed = changeOf(update, doc).freed().bytes
    Y.applyUpdate(doc, update)
    expect(freed).toBeGreaterThan(0.95 * (before - weightOf(doc).bytes))
    expect(freed).toBeLessThan(1.05 * (before - weightOf(doc).bytes))
  })

  test.each([
    { what: 'far below the limit', other: 0.2 },
    { what: 'at nine tenths of the limit', other: 0.85 },
  ])('overwriting one key is never refused: $what', ({ other }) => {
    const limit = 200_000
    const { document, edit } = limited(limit)
    expect(edit((doc) => doc.getText('t').insert(0, text(limit * other)))).toBe(true)
    for (let index = 0; index < 150; index++) {
      expect(
        edit((doc) => doc.getMap('m').set('key', `${index}${text(8_000)}`)),
        `edit ${index}`,
      ).toBe(true)
    }
    expect(Y.encodeStateAsUpdate(document).byteLength).toBeLessThan(limit)
  })

  test('at the limit: more is refused, deletions and overwriting are not, and what was removed makes room at once', () => {
    const limit = 100_000
    const { document, edit } = limited(limit)
    expect(edit((doc) => doc.getMap('m').set('large', text(50_000)))).toBe(true)
    let typed = 0
    while (edit((doc) => doc.getText('t').insert(0, text(1_000)))) typed++
    expect(typed).toBeGreaterThan(45)
    expect(typed).toBeLessThan(51)
    expect(edit((doc) => doc.getText('t').insert(0, text(1_000)))).toBe(false)
    for (let index = 0; index < 50; index++) {
      expect(edit((doc) => doc.getMap('m').set('large', text(50_000, String(index % 10))))).toBe(true)
    }
    expect(edit((doc) => doc.getText('t').delete(0, 20_000))).toBe(true)
    let again = 0
    while (edit((doc) => doc.getText('t').insert(0, text(1_000)))) again++
    expect(again).toBeGreaterThan(17)
    expect(Y.encodeStateAsUpdate(document).byteLength).toBeLessThan(limit * 1.1)
  })

  test('a document cannot be filled beyond the limit by taking away a little with each edit', () => {
    const limit = 10_000
    const { document, edit } = limited(limit)
    for (let index = 0; index < 300; index++) {
      edit((doc) => {
        const t = doc.getText('t')
        if (t.length > 0) t.delete(0, 1)
        t.insert(0, text(60))
      })
    }
    expect(Y.encodeStateAsUpdate(document).byteLength).toBeLessThan(limit * 1.25)
  })
})
