import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { manyHands } from '../../../test/helpers/many-hands.ts'
import { Random } from '../../../test/helpers/random.ts'
import { deletionPieces, takeAwayMore } from './deletions.ts'

const copyOf = (doc: Y.Doc): Y.Doc => {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}

/** A document of many hands, with types in types in types. */
function someDocument(random: Random): Y.Doc {
  const doc = new Y.Doc()
  for (const hand of manyHands(random, 60)) Y.applyUpdate(doc, Y.encodeStateAsUpdate(hand))
  const list = doc.getArray<unknown>('list')
  for (let step = 0; step < 12; step++) {
    const holders = [list, ...list.toArray()].filter((held) => held instanceof Y.Array)
    const holder = random.pick(holders) as Y.Array<unknown>
    const map = new Y.Map<unknown>([['text', new Y.Text('words')]])
    holder.insert(random.int(0, holder.length), [random.pick([new Y.Array(), map, 'a', 1])])
    map.set('text', new Y.Array())
  }
  return doc
}

/** Edits of somebody who knew the document, and not what was deleted meanwhile. */
function editsBeside(doc: Y.Doc, random: Random): Uint8Array {
  const before = Y.encodeStateVector(doc)
  const list = doc.getArray<unknown>('list')
  for (const holder of [list, ...list.toArray()]) {
    if (holder instanceof Y.Array) holder.insert(random.int(0, holder.length), ['beside', new Y.Array()])
    if (holder instanceof Y.Map) holder.set(random.pick(['text', 'new']), new Y.Text('beside'))
  }
  doc.getText('text').insert(random.int(0, doc.getText('text').length), 'beside')
  return Y.encodeStateAsUpdate(doc, before)
}

/** Deletes some of what there is. @returns the deletions alone, as they come over the wire */
function someDeletions(doc: Y.Doc, random: Random) {
  const list = doc.getArray('list')
  for (const type of [list, doc.getXmlFragment('xml'), doc.getText('text')] as const) {
    if (type.length === 0) continue
    const at = random.int(0, type.length - 1)
    type.delete(at, random.int(1, type.length - at))
  }
  for (const key of doc.getMap('map').keys()) if (random.int(0, 1)) doc.getMap('map').delete(key)
  return Y.createDeleteSetFromStructStore(doc.store).clients
}

const contentOf = (doc: Y.Doc): unknown => {
  const types = [doc.getText('text').toDelta(), doc.getArray('list'), doc.getMap('map'), doc.getXmlFragment('xml')]
  return JSON.parse(JSON.stringify(types))
}

function expectTheSame(one: Y.Doc, other: Y.Doc, what: string): void {
  expect(Y.encodeStateVector(one), what).toEqual(Y.encodeStateVector(other))
  expect(contentOf(one), what).toEqual(contentOf(other))
  const deletedIn = ({ store }: Y.Doc) => Y.createDeleteSetFromStructStore(store)
  expect(Y.equalDeleteSets(deletedIn(one), deletedIn(other)), what).toBe(true)
}

describe('[R6.46] deletions in pieces do what they do whole', () => {
  test.each([
    { what: 'one struct at a time', most: 1, collectedBefore: 0 },
    { what: 'some at a time, each type collected before', most: 4, collectedBefore: 0 },
    { what: 'as Yjs collects', most: 3, collectedBefore: 1_000 },
  ])('$what', ({ most, collectedBefore }) => {
    for (let seed = 1; seed <= 80; seed++) {
      const random = new Random(seed)
      const document = someDocument(random)
      const [stock, beside, author] = [copyOf(document), copyOf(document), copyOf(document)]
      const edits = editsBeside(beside, random)
      const deletions = someDeletions(author, random)
      const pieces = deletionPieces(document, deletions, () => most, collectedBefore)
      const others = random.int(0, 12)
      let count = 0
      for (const piece of pieces) {
        if (piece instanceof Uint8Array) Y.applyUpdate(document, piece)
        else piece()
        if (count++ === others) Y.applyUpdate(document, edits)
      }
      expect(count).toBeGreaterThan(3)
      Y.applyUpdate(stock, Y.encodeStateAsUpdate(author))
      if (count > others) Y.applyUpdate(stock, edits)
      expectTheSame(document, stock, `seed ${seed}`)
      expectTheSame(copyOf(document), stock, `seed ${seed}, opened again`)
      Y.applyUpdate(document, edits)
      Y.applyUpdate(stock, edits)
      expectTheSame(document, stock, `seed ${seed}, with what others wrote meanwhile`)
      expectTheSame(copyOf(document), stock, `seed ${seed}, with that opened again`)
    }
  })

  test('none takes away more than it may, however much stands in a type', () => {
    const document = new Y.Doc()
    const outer = new Y.Array<unknown>()
    document.getArray('list').push([outer])
    for (let index = 0; index < 3_000; index++) outer.insert(0, [index % 2 ? 'letter' : new Y.Array()])
    const id = outer._item?.id ?? expect.unreachable()
    const deletions = new Map([[id.client, [{ clock: id.clock, len: 1 }]]])
    let deleted = 0
    let largest = 0
    document.on('afterTransaction', ({ deleteSet }: Y.Transaction) => {
      deleted = 0
      for (const ranges of deleteSet.clients.values()) for (const { len } of ranges) deleted += len
      largest = Math.max(largest, deleted)
    })
    for (const piece of deletionPieces(document, deletions, () => 100)) {
      if (piece instanceof Uint8Array) Y.applyUpdate(document, piece)
      else piece()
    }
    expect(outer._item?.deleted).toBe(true)
    expect(largest).toBe(100)
    expect(document.store.clients.get(id.client)?.length, 'collected, and merged').toBeLessThan(5)
  })

  test('how much they take away is counted no further than asked', () => {
    const document = new Y.Doc()
    const outer = new Y.Array<unknown>()
    document.getArray('list').push([outer, 'behind'])
    for (let index = 0; index < 50; index++) outer.insert(0, [index])
    const { client, clock } = outer._item?.id ?? expect.unreachable()
    const deletions = new Map([[client, [{ clock, len: 1 }]]])
    expect(takeAwayMore({ deletions, than: 51 }, document)).toBe(false)
    expect(takeAwayMore({ deletions, than: 50 }, document)).toBe(true)
    expect(takeAwayMore({ deletions: new Map([[client, [{ clock: clock + 1, len: 1 }]]]), than: 1 }, document)).toBe(
      false,
    )
    expect(takeAwayMore({ deletions: new Map([[5, [{ clock: 7, len: 1_000 }]]]), than: 1 }, document)).toBe(false)
  })
})
