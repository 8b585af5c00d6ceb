import * as encoding from 'lib0/encoding'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { behindRow, row } from '../../../test/bench/attacks/updates.ts'
import { type Block, type Id, spellItem, spellUpdate } from '../../../test/fuzz/grammar/spell.ts'
import { crowdedUpdates } from '../../../test/helpers/crowded.ts'
import { manyHands } from '../../../test/helpers/many-hands.ts'
import { Random } from '../../../test/helpers/random.ts'
import { Application } from './apply.ts'
import { applyInTurns } from './apply-in-turns.ts'
import { settle } from './conflicts.ts'
import { integrateWithCare } from './integration.ts'
import { Memory } from './memory.ts'
import { takeRest } from './rests.ts'
import { DocumentSize } from './size.ts'
import { goesFar, inShortWays, wayOf } from './ways.ts'

integrateWithCare()

/** How many items are really passed when an update is applied. */
function passedBy(update: Uint8Array, doc: Y.Doc): number {
  let passed = 0
  let isSettling = false
  const watched = new Set<Y.Item>()
  for (const structs of doc.store.clients.values()) {
    for (const item of structs) {
      if (!(item instanceof Y.Item)) continue
      watched.add(item)
      let { right } = item
      Object.defineProperty(item, 'right', {
        get: () => {
          if (isSettling) passed++
          return right
        },
        set: (next: Y.Item | null) => {
          right = next
        },
      })
    }
  }
  const { integrate } = Y.Item.prototype
  Y.Item.prototype.integrate = function (this: Y.Item, transaction, known) {
    if (known > 0) {
      takeRest(this, transaction, known)
      known = 0
    }
    if (this.parent) {
      isSettling = true
      settle(this, transaction)
      isSettling = false
    }
    integrate.call(this, transaction, known)
  }
  try {
    Y.applyUpdate(doc, update)
  } catch {
    // what Yjs does not survive passes nothing more
  } finally {
    Y.Item.prototype.integrate = integrate
  }
  return passed
}

test('[R6.51] no update passes more than is foreseen, whatever is in it', () => {
  let farthest = 0
  for (let seed = 250; seed <= 390; seed++) {
    const random = new Random(seed)
    const shape = { people: random.pick([2, 5]), crowding: random.pick([0, 0.5]), wildness: random.pick([0, 0.1, 0.5]) }
    const updates = crowdedUpdates(random, 220, shape)
    const last = updates.splice(-random.int(1, 6))
    const doc = new Y.Doc()
    for (const update of updates) {
      try {
        Y.applyUpdate(doc, update)
      } catch {
        // others follow
      }
    }
    const update = Y.mergeUpdates(last)
    const { structs } = Y.decodeUpdate(update)
    const foreseen = wayOf(structs, doc, Number.POSITIVE_INFINITY)
    const passed = passedBy(update, doc)
    farthest = Math.max(farthest, passed)
    // where groups cross all is passed three times; and a look at its neighbours, and at what the others of the update brought
    const beside = structs.length * (structs.length + 4)
    expect(passed, `seed ${seed}`).toBeLessThanOrEqual(3 * foreseen + beside)
  }
  expect(farthest).toBeGreaterThan(100)
})

test('[R6.51] what people write where nobody else did passes nothing', () => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, row(5_000))
  const author = new Y.Doc()
  Y.applyUpdate(author, row(5_000))
  const list = author.getArray<unknown>('row')
  const text = author.getText('text')
  const map = author.getMap('map')
  const updates: Uint8Array[] = []
  author.on('update', (update: Uint8Array) => updates.push(update))
  for (let number = 0; number < 20; number++) {
    author.transact(() => {
      list.insert(0, [number])
      list.insert(2_500, ['a', new Y.Map([['k', 'v']]), 'b'])
      list.insert(2_500, ['c'])
      list.delete(2_501, 2)
      list.push([number])
      text.insert(text.length >> 1, 'word')
      map.set('key', number)
      map.set(`key ${number}`, number)
    })
  }
  for (const update of updates) {
    expect(wayOf(Y.decodeUpdate(update).structs, doc, 1_000)).toBeLessThan(5)
    Y.applyUpdate(doc, update)
  }
  expect(Y.encodeStateAsUpdate(doc)).toEqual(Y.encodeStateAsUpdate(author))
})

const many = 60_000
const inRow = row(many)

function whole(): Y.Doc {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, inRow)
  return doc
}

/** How many letters of the people behind the row each transaction brings. */
function portions(doc: Y.Doc): number[] {
  const counts: number[] = []
  doc.on('afterTransaction', ({ beforeState, afterState }: Y.Transaction) =>
    counts.push(afterState.size - beforeState.size),
  )
  return counts
}

test('[R6.51] a letter that passes a whole document is applied at once, several are not', () => {
  const doc = whole()
  const isFar = (count: number) => goesFar(Y.decodeUpdate(behindRow(count)).structs, doc)
  expect([isFar(1), isFar(2), isFar(400)]).toEqual([false, true, true])
})

test('[R6.51] in turns, so few are applied together that they pass few', async () => {
  const doc = whole()
  const counts = portions(doc)
  const applied = await applyInTurns(doc, behindRow(100), { origin: null, isWanted: () => true })
  expect(counts.reduce((sum, count) => sum + count)).toBe(100)
  expect(Math.max(...counts)).toBeLessThanOrEqual(10)
  const [all, copy] = [whole(), whole()]
  Y.applyUpdate(all, behindRow(100))
  Y.applyUpdate(copy, (applied as { update: Uint8Array }).update)
  const expected = Buffer.from(Y.encodeStateAsUpdate(all))
  for (const each of [doc, copy]) expect(expected.equals(Y.encodeStateAsUpdate(each))).toBe(true)
})

test('[R6.52] what waited for an edit is not all applied with it at once, and told of', async () => {
  const doc = whole()
  const item = (origin: Id | null, client: number): Block => ({
    client,
    clock: 0,
    count: 2,
    structs: [
      spellItem({
        info: 4 | (origin ? 128 : 0),
        origin,
        rightOrigin: null,
        parent: 'awaited',
        key: '',
        content: (encoder) => encoding.writeVarString(encoder, 'x'),
      }),
      spellItem({
        info: 4,
        origin: null,
        rightOrigin: null,
        parent: 'row',
        key: '',
        content: (encoder) => encoding.writeVarString(encoder, 'y'),
      }),
    ],
  })
  const first = spellUpdate([item(null, 3_000_000)], new Map())
  const people = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => 3_000_000 - from - index)
  /** Each waits for the same letter, and goes past all of the row then. */
  const waiting = spellUpdate(
    people(1, 101).map((client) => item({ client: 3_000_000, clock: 0 }, client)),
    new Map(),
  )
  Y.applyUpdate(doc, waiting)
  expect(doc.store.pendingStructs).not.toBeNull()
  expect(goesFar(Y.decodeUpdate(first).structs, doc)).toBe(true)
  const { integrate } = Y.Item.prototype
  const counts = new Map<Y.Transaction, number>()
  Y.Item.prototype.integrate = function (this: Y.Item, transaction, known) {
    counts.set(transaction, (counts.get(transaction) ?? 0) + 1)
    integrate.call(this, transaction, known)
  }
  // some more stand on what waits
  const more = Array.from({ length: 30 }, (_, index) => item({ client: 2_999_950, clock: 0 }, 2_000_000 - index))
  const behind = spellUpdate([item(null, 3_000_000), ...more], new Map())
  const applied = await applyInTurns(doc, behind, { origin: null, isWanted: () => true })
  Y.Item.prototype.integrate = integrate
  expect(doc.store.pendingStructs).toBeNull()
  expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(262)
  expect(Math.max(...counts.values())).toBeLessThanOrEqual(20)
  const { update, released } = applied as { update: Uint8Array; released: Uint8Array }
  const copy = whole()
  for (const told of [update, released]) Y.applyUpdate(copy, told)
  expect(Buffer.from(Y.encodeStateAsUpdate(doc)).equals(Y.encodeStateAsUpdate(copy))).toBe(true)
  expect(copy.store.pendingStructs).toBeNull()
})

function updateOf(text: string): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

test('[R6.51] what stands in one place and says that it ends in another is not taken at its word', () => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, row(5_000))
  doc.clientID = 2_000
  doc.getArray('elsewhere').insert(0, ['a'])
  const inner = doc.getMap('map').set('inner', new Y.Map<unknown>())
  // what was overwritten becomes one, unless something else was written between
  for (let value = 0; value < 300; value++) for (const key of ['key', 'other']) inner.set(key, value)
  const place = (origin: Id | null, rightOrigin: Id | null, parent: Id | string = '', key = '') =>
    spellItem({
      info: 4 | (origin ? 128 : 0) | (rightOrigin ? 64 : 0) | (key ? 32 : 0),
      origin,
      rightOrigin,
      parent,
      key,
      content: (encoder) => encoding.writeVarString(encoder, 'x'),
    })
  const far = (...structs: Block['structs']) => {
    const update = spellUpdate([{ client: 9, clock: 0, count: structs.length, structs }], new Map())
    return wayOf(Y.decodeUpdate(update).structs, doc, Number.POSITIVE_INFINITY)
  }
  const [first, second] = [0, 1].map((clock) => ({ client: 1_000, clock })) as [Id, Id]
  const elsewhere = place({ client: 2_000, clock: 0 }, second)
  expect(far(place(first, second))).toBe(0)
  expect(far(place(first, second), place(first, { client: 9, clock: 0 }))).toBe(0)
  expect(far(elsewhere, place(first, { client: 9, clock: 0 })), 'it is never met').toBeGreaterThan(4_990)
  expect(far(place(null, null, { client: 2_000, clock: 1 }, 'key'))).toBeGreaterThanOrEqual(300)
})

test('[R6.51] the rest of what is known stands behind that, whatever it says', () => {
  const doc = new Y.Doc()
  doc.clientID = 5_000
  doc.getArray('row').insert(0, ['first'])
  const author = new Y.Doc()
  author.clientID = 1_000
  Y.applyUpdate(author, Y.encodeStateAsUpdate(doc))
  for (let value = 0; value < 300; value++) author.getArray('row').push([value % 2 === 0 ? value : new Y.Text()])
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(author))
  const again = spellItem({
    info: 4 | 128,
    origin: { client: 1_000, clock: 299 },
    rightOrigin: null,
    parent: '',
    key: '',
    content: (encoder) => encoding.writeVarString(encoder, 'xx'),
  })
  const update = spellUpdate([{ client: 5_000, clock: 0, count: 1, structs: [again] }], new Map())
  expect(wayOf(Y.decodeUpdate(update).structs, doc, Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(300)
  expect(passedBy(update, doc)).toBeGreaterThanOrEqual(300)
})

test('[R6.51] loaded from small rows, as well', async () => {
  const rows = [inRow, updateOf('before'), behindRow(100), updateOf('after')].map((bytes, index) => ({
    bytes,
    revision: index + 1,
    crc: null,
  }))
  for (const grouping of ['together', 'one-by-one'] as const) {
    const target = new Y.Doc()
    const application = new Application(target, grouping, new DocumentSize(target, new Memory()))
    const counts = portions(target)
    await application.apply(rows.map((row) => ({ source: 'update', ...row })))
    application.end()
    expect(target.store.clients.size).toBe(103)
    expect(Math.max(...counts)).toBeLessThanOrEqual(10)
  }
})

test('[R6.51] in short ways an update does what it does as a whole', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed)
    const [all, parts] = [new Y.Doc(), new Y.Doc()]
    for (const hand of manyHands(random, 60)) {
      const update = Y.encodeStateAsUpdate(hand)
      Y.applyUpdate(all, update)
      for (const part of inShortWays(update, parts)) Y.applyUpdate(parts, part)
    }
    expect(Y.encodeStateAsUpdate(parts), `seed ${seed}`).toEqual(Y.encodeStateAsUpdate(all))
  }
})
