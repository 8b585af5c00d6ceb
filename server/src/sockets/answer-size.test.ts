import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { weightOf } from '../documents/weight.ts'
import { answerSize } from './answer-size.ts'

/** Of many authors, with what was deleted. */
function longDocument(): Y.Doc {
  const doc = new Y.Doc()
  for (let author = 1; author <= 20; author++) {
    const replica = new Y.Doc()
    replica.clientID = author
    Y.applyUpdate(replica, Y.encodeStateAsUpdate(doc))
    const text = replica.getText('t')
    for (let word = 0; word < 100; word++) text.insert(text.length, `word ${word} of ${author} – `)
    for (let at = 0; at < 50; at++) text.delete(at * 20, 3)
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(replica))
  }
  return doc
}

test('[R6.42] what an answer takes is known before it is built: never less than it has, little where little is missing', () => {
  const doc = longDocument()
  const whole = weightOf(doc).bytes
  const estimate = (known: Map<number, number>) => answerSize(doc, known, whole)
  const real = (known: Map<number, number>) => Y.encodeStateAsUpdate(doc, Y.encodeStateVector(known)).byteLength
  expect(estimate(new Map())).toBe(whole)
  const all = Y.decodeStateVector(Y.encodeStateVector(doc))
  for (const missing of [0, 1, 5]) {
    const known = new Map([...all].slice(missing))
    expect(estimate(known)).toBeGreaterThanOrEqual(real(known))
    expect(estimate(known)).toBeLessThan(whole)
  }
  const half = new Map([...all].map(([client, clock]) => [client, clock - 30]))
  expect(estimate(half)).toBeGreaterThanOrEqual(real(half))
})
