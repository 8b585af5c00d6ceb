import { expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { bring, bringWithin, transacting } from './bring.ts'
import { contain } from './contain.ts'

const written = (text: string): Uint8Array => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

function appDoc() {
  const doc = new Y.Doc()
  const reported: unknown[] = []
  const release = contain(doc, (error) => reported.push((error as Error).message))
  return { doc, reported, release }
}

const fail = (what: string) => () => {
  throw new Error(what)
}

test('[R6.5] an update is integrated although an observer of the app’s throws; that is reported', () => {
  const { doc, reported } = appDoc()
  doc.getText('t').observe(fail('observe'))
  doc.getText('t').observeDeep(fail('observeDeep'))
  expect(bring(doc, written('x'))).toEqual({ kind: 'integrated' })
  expect(doc.getText('t').toString()).toBe('x')
  expect(reported).toHaveLength(1)
})

test('[R6.5] an update that does not decode is unreadable, whatever the observers do, and the next one comes', () => {
  const { doc, reported } = appDoc()
  expect(bring(doc, Uint8Array.of(1, 2, 3, 255, 255)).kind).toBe('unreadable')
  expect(bring(doc, 'text').kind).toBe('unreadable')
  expect(bring(doc, written('x')).kind).toBe('integrated')
  expect(reported).toEqual([])
})

test('[R6.5] of many in one transaction, each is told apart; observers are called once, after all', () => {
  const { doc, reported } = appDoc()
  doc.getText('t').observe(fail('observe'))
  const kinds: string[] = []
  transacting(doc, 'store', () => {
    for (const update of [written('a'), Uint8Array.of(9, 9), written('b')]) {
      kinds.push(bringWithin(doc, update, 'store').kind)
    }
  })
  expect(kinds).toEqual(['integrated', 'unreadable', 'integrated'])
  expect(doc.getText('t')).toHaveLength(2)
  expect(reported).toEqual(['observe'])
})

test('[R6.5] what the work itself throws is thrown', () => {
  const { doc, reported } = appDoc()
  expect(() => transacting(doc, null, fail('work'))).toThrow('work')
  expect(reported).toEqual([])
})

test.each([
  'beforeAllTransactions',
  'beforeTransaction',
  'beforeObserverCalls',
  'afterTransaction',
  'afterTransactionCleanup',
  'update',
  'updateV2',
  'afterAllTransactions',
] as const)('[R6.5] a listener that throws at %s stops neither the others nor the document', (event) => {
  const { doc, reported } = appDoc()
  doc.on(event, fail('the app'))
  let heard = 0
  doc.on('update', () => heard++)
  doc.getText('t').insert(0, 'a')
  doc.getText('t').insert(0, 'b')
  expect(heard).toBe(2)
  expect(reported).toEqual(['the app', 'the app'])
})

test('[R6.5] an awareness listener that throws does not keep others from hearing', () => {
  const awareness = new Awareness(new Y.Doc())
  const reported: unknown[] = []
  contain(awareness, (error) => reported.push(error))
  awareness.on('change', fail('the app'))
  let heard = 0
  awareness.on('update', () => heard++)
  awareness.setLocalStateField('name', 'Ada')
  expect(heard).toBe(1)
  expect(reported).toHaveLength(1)
  awareness.destroy()
})

test('containing ends with the last who asked for it, and leaves the document as it was', () => {
  const doc = new Y.Doc()
  const reported: string[] = []
  const first = contain(doc, () => reported.push('first'))
  const second = contain(doc, () => reported.push('second'))
  doc.on('afterTransaction', fail('the app'))
  doc.getText('t').insert(0, 'a')
  first()
  first()
  doc.getText('t').insert(0, 'b')
  second()
  expect(reported).toEqual(['second', 'second'])
  expect(Object.hasOwn(doc, 'emit')).toBe(false)
  expect(() => doc.getText('t').insert(0, 'c')).toThrow('the app')
})
