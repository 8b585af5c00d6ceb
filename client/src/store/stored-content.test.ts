import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { bringStored, onUpdateButStored } from './stored-content.ts'

const stored = () => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'stored')
  return Y.encodeStateAsUpdate(doc)
}

test('stored content is not encoded again for those who have no use for it, and edits reach them before and after', () => {
  const doc = new Y.Doc()
  const heard: unknown[] = []
  const stop = onUpdateButStored(doc, (_update, origin) => heard.push(origin))
  doc.getMap('m').set('a', 1)
  bringStored(doc, () => Y.applyUpdate(doc, stored(), 'store'))
  doc.getMap('m').set('a', 2)
  expect(doc.getText('t').toString()).toBe('stored')
  expect(heard).toEqual([null, null])
  stop()
  doc.getMap('m').set('a', 3)
  bringStored(doc, () => {})
  doc.getMap('m').set('a', 4)
  expect(heard).toHaveLength(2)
})

test("the app's own listeners hear of stored content, and a failure leaves everybody listening", () => {
  const doc = new Y.Doc()
  const heard: unknown[] = []
  onUpdateButStored(doc, (_update, origin) => heard.push(origin))
  doc.on('update', (_update, origin) => heard.push(`app: ${origin}`))
  bringStored(doc, () => Y.applyUpdate(doc, stored(), 'store'))
  expect(heard).toEqual(['app: store'])
  expect(() =>
    bringStored(doc, () => {
      throw new Error('broken')
    }),
  ).toThrow('broken')
  doc.getMap('m').set('a', 1)
  expect(heard.slice(1).sort()).toEqual(['app: null', null].sort())
})
