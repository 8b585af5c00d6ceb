import * as encoding from 'lib0/encoding'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { type Block, type Id, spellItem, spellRange, spellUpdate } from '../../../test/fuzz/grammar/spell.ts'
import { integrateWithCare } from './integration.ts'

const client = 7

test('[R6.31] the rest of what was collected is collected as well, and nothing throws', () => {
  integrateWithCare()
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

test('[R6.31] what was written twice under one clock, in two places: the rest stands in neither', () => {
  integrateWithCare()
  const item = (content: string, place: { origin?: Id; parent?: string | Id }): Block['structs'][number] =>
    spellItem({
      info: (content === '' ? 7 : 4) | (place.origin ? 128 : 0),
      origin: place.origin ?? null,
      rightOrigin: null,
      parent: place.parent ?? '',
      key: '',
      content: (encoder) => {
        if (content === '') encoding.writeVarUint(encoder, 0)
        else encoding.writeVarString(encoder, content)
      },
    })
  const by = (client: number, clock: number, ...structs: Block['structs']) =>
    spellUpdate([{ client, clock, count: structs.length, structs }], new Map())
  const rows = [
    by(8, 0, item('here', { parent: 'text' })),
    // a list, and one letter in it
    by(client, 0, item('', { parent: 'lists' }), item('a', { parent: { client, clock: 0 } })),
    // the same letter and three more, in the text
    by(client, 1, item('bcde', { origin: { client: 8, clock: 3 } })),
  ]
  const doc = new Y.Doc()
  for (const row of rows) Y.applyUpdate(doc, row)
  expect(Y.getState(doc.store, client)).toBe(5)
  expect(doc.getText('text').length).toBe(4)
  const list = doc.getArray('lists').get(0) as Y.Array<unknown>
  expect(list._start?.right).toBe(null)
})
