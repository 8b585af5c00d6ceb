import * as Y from 'yjs'
import type { Random } from './random.ts'

/** Several people who write all kinds of content into each other's text, and hear of each other now and then. */
export function manyHands(random: Random, steps: number): Y.Doc[] {
  const docs = Array.from({ length: 4 }, () => new Y.Doc())
  for (let step = 0; step < steps; step++) {
    const doc = random.pick(docs)
    const text = doc.getText('text')
    const list = doc.getArray<unknown>('list')
    const map = doc.getMap<unknown>('map')
    const xml = doc.getXmlFragment('xml')
    const at = random.int(0, text.length)
    random.pick([
      () => text.insert(at, random.pick(['word ', 'Grüße ', '日本 ', '👩‍👧 '])),
      () => text.length > 4 && text.delete(Math.min(at, text.length - 3), 3),
      () => text.length > 4 && text.format(Math.min(at, text.length - 3), 2, { bold: true }),
      () => text.insertEmbed(at, { image: 'x' }),
      () => list.insert(random.int(0, list.length), [1.5, { a: ['b', null] }, new Uint8Array([1, 2]), 'ü']),
      () => list.length > 0 && list.delete(0, 1),
      () => map.set(random.pick(['a', 'b']), random.pick<unknown>([1, 'two', new Y.Map([['k', 'v']]), new Y.Doc()])),
      () => {
        const element = new Y.XmlElement('p')
        element.insert(0, [new Y.XmlText('inside')])
        element.setAttribute('class', 'x')
        xml.insert(random.int(0, xml.length), [element])
      },
      () => xml.length > 0 && xml.delete(0, 1),
      () => Y.applyUpdate(doc, Y.encodeStateAsUpdate(random.pick(docs))),
    ])()
  }
  return docs
}
