import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { fragileDoc } from '../test-helpers/fragile-doc.ts'
import { Health, isKnownBroken, rescue } from './health.ts'

function filled(): Y.Doc {
  const doc = fragileDoc()
  doc.getText('t').insert(0, 'whole')
  return doc
}

function breakIt(doc: Y.Doc): void {
  expect(() => doc.getText('t').delete(0, 1)).toThrow(RangeError)
}

function watched(doc: Y.Doc) {
  const heard: string[] = []
  return { heard, health: new Health(doc, () => heard.push('broken')) }
}

test('[R3.6] a document that Yjs left in the middle of a transaction’s end is found out in the same task, once', async () => {
  const doc = filled()
  const { heard, health } = watched(doc)
  doc.getText('t').insert(0, 'a')
  await null
  expect(heard).toEqual([])
  breakIt(doc)
  await null
  expect(heard).toEqual(['broken'])
  expect(isKnownBroken(doc)).toBe(true)
  doc.getText('t').insert(0, 'b')
  await null
  expect(heard).toEqual(['broken'])
  expect(health.takeChange()).toBe(true)
  expect(health.takeChange()).toBe(false)
})

test('[R3.6] one that was broken before is found out, too', async () => {
  const doc = filled()
  breakIt(doc)
  const { heard } = watched(doc)
  await null
  expect(heard).toEqual(['broken'])
})

test('[R3.6] a document whose observers write, throw, or transact in each other is not broken', async () => {
  const doc = new Y.Doc()
  const { heard } = watched(doc)
  const text = doc.getText('t')
  text.observe(() => {
    if (text.length < 50) text.insert(0, 'x')
    else throw new Error('the app')
  })
  expect(() => text.insert(0, 'x')).toThrow('the app')
  doc.transact(() => {
    void Promise.resolve()
      .then(() => text.insert(0, 'y'))
      .catch(() => {})
  })
  await Promise.resolve()
  await Promise.resolve()
  await null
  expect(heard).toEqual([])
})

test('nothing is heard after it was stopped', async () => {
  const doc = filled()
  const { heard, health } = watched(doc)
  health.stop()
  breakIt(doc)
  await null
  health.lookNow()
  expect(heard).toEqual([])
})

test('[R3.6] all that a broken document holds can be read, what was written afterwards included', () => {
  const doc = filled()
  breakIt(doc)
  doc.getText('t').insert(0, 'and more, ')
  const copy = new Y.Doc()
  Y.applyUpdate(copy, rescue(doc)!)
  expect(copy.getText('t').toString()).toBe('and more, hole')
})

test('[R3.6] a document that does not hold together is not believed', () => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'abc')
  doc.getText('t').insert(0, 'def')
  const structs = [...doc.store.clients.values()][0]!
  structs.splice(0, 1)
  expect(rescue(doc)).toBeNull()
})
