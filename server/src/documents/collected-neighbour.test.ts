import * as encoding from 'lib0/encoding'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { spellItem, spellRange, spellUpdate } from '../../../test/fuzz/grammar/spell.ts'
import { takeRestsOfCollected } from './collected-neighbour.ts'

const client = 7

test('[R6.31] the rest of what was collected is collected as well, and nothing throws', () => {
  takeRestsOfCollected()
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'here')
  const whole = spellItem({
    info: 4 | 128,
    origin: { client: doc.clientID, clock: 0 },
    rightOrigin: null,
    parent: '',
    key: '',
    content: (encoder) => encoding.writeVarString(encoder, 'abcdefgh'),
  })
  for (const struct of [spellRange(0, 3), whole]) {
    Y.applyUpdate(doc, spellUpdate([{ client, clock: 0, count: 1, structs: [struct] }], new Map()))
  }
  expect(Y.getState(doc.store, client)).toBe(8)
  doc.getText('text').insert(4, ' and there')
  expect(doc.getText('text').toString()).toBe('here and there')
  // told to somebody else it is the same
  const other = new Y.Doc()
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
  expect(other.getText('text').toString()).toBe('here and there')
})
