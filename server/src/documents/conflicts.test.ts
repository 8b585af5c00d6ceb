import fc from 'fast-check'
import * as encoding from 'lib0/encoding'
import { describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { type Block, type Id, spellItem, spellUpdate } from '../../../test/fuzz/grammar/spell.ts'
import { crowdedUpdates, type Shape, shuffled } from '../../../test/helpers/crowded.ts'
import { manyHands } from '../../../test/helpers/many-hands.ts'
import { Random } from '../../../test/helpers/random.ts'
import { settle } from './conflicts.ts'
import { takeRest } from './rests.ts'

const prototype = Y.Item.prototype
const ofYjs = prototype.integrate

/** Yjs's own search, with rests taken as here: what stands in two places is no matter of places. */
const usual: typeof ofYjs = function (this: Y.Item, transaction, known) {
  if (known > 0) takeRest(this, transaction, known)
  ofYjs.call(this, transaction, 0)
}
const ours: typeof ofYjs = function (this: Y.Item, transaction, known) {
  if (known > 0) takeRest(this, transaction, known)
  if (this.parent) settle(this, transaction)
  ofYjs.call(this, transaction, 0)
}

/** What comes of some updates, in their order, and where Yjs throws. */
function outcome(integrate: typeof ofYjs, updates: readonly Uint8Array[]) {
  prototype.integrate = integrate
  try {
    const doc = new Y.Doc({ gc: updates.length % 2 === 0 })
    doc.clientID = 1
    const thrown: string[] = []
    for (const update of updates) {
      try {
        Y.applyUpdate(doc, update)
      } catch (error) {
        thrown.push(String(error))
      }
    }
    // one text: comparing these takes longer than making them
    return JSON.stringify({ thrown, ...stateOf(doc) }, null, 1)
  } finally {
    prototype.integrate = ofYjs
  }
}

function stateOf(doc: Y.Doc) {
  const { pendingStructs, pendingDs, clients } = doc.store
  const places: string[] = []
  for (const [client, structs] of clients) {
    for (const struct of structs) {
      const { clock } = struct.id
      if (!(struct instanceof Y.Item)) places.push(`${client}:${clock} collected`)
      else
        places.push(
          `${client}:${clock}+${struct.length} ${spellId(struct.left)} ${spellId(struct.right)} ${struct.deleted}`,
        )
    }
  }
  return {
    places,
    lists: [...doc.share].map(([name, type]) => [name, inOrder(type._start), [...type._map.values()].map(spellId)]),
    update: hex(Y.encodeStateAsUpdate(doc)),
    vector: hex(Y.encodeStateVector(doc)),
    pending: [hex(pendingStructs?.update), hex(pendingDs)],
  }
}

const hex = (bytes: Uint8Array | null = null) => (bytes ? Buffer.from(bytes).toString('hex') : null)
const spellId = (item: Y.Item | null) => (item ? `${item.id.client}:${item.id.clock}` : '-')

function inOrder(first: Y.Item | null): string[] {
  const order: string[] = []
  for (let item = first; item; item = item.right) order.push(spellId(item))
  return order
}

/** In their order, in another one, with a few of them together, and some of them again. */
function orders(random: Random, updates: readonly Uint8Array[]): Uint8Array[][] {
  const grouped: Uint8Array[] = []
  for (let at = 0; at < updates.length; ) {
    const size = random.int(1, 6)
    grouped.push(Y.mergeUpdates(updates.slice(at, at + size)))
    at += random.pick([1, size])
  }
  return [[...updates], shuffled(random, updates), grouped, shuffled(random, grouped)]
}

const shape = (random: Random): Shape => ({
  people: random.pick([2, 4, 12]),
  crowding: random.pick([0, 0.3, 0.9]),
  wildness: random.pick([0, 0.1, 0.5]),
})

describe('[R6.50] an item comes to the place where Yjs puts it', () => {
  test('several thousand documents of people who write as nobody does', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed)
      const updates = crowdedUpdates(random, random.int(5, 40), shape(random))
      for (const order of orders(random, updates)) {
        expect(outcome(ours, order), `seed ${seed}`).toBe(outcome(usual, order))
      }
    }
  }, 60_000)

  test('whatever people write, in whatever order it comes', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 60 }),
        fc.record({
          people: fc.integer({ min: 1, max: 20 }),
          crowding: fc.double({ min: 0, max: 1, noNaN: true }),
          wildness: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        (seed, count, shape) => {
          const random = new Random(seed)
          for (const order of orders(random, crowdedUpdates(random, count, shape))) {
            expect(outcome(ours, order)).toBe(outcome(usual, order))
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  test('people who write into each other’s text, against Yjs alone', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed)
      const updates = manyHands(random, 100).map((doc) => Y.encodeStateAsUpdate(doc))
      for (const order of [updates, shuffled(random, updates)]) {
        expect(outcome(ours, order), `seed ${seed}`).toBe(outcome(ofYjs, order))
      }
    }
  })
})

const hostile = 1_000

function item(kind: number, place: { origin?: Id; rightOrigin?: Id }, text: string): Block['structs'][number] {
  return spellItem({
    info: kind | (place.origin ? 128 : 0) | (place.rightOrigin ? 64 : 0),
    origin: place.origin ?? null,
    rightOrigin: place.rightOrigin ?? null,
    parent: 'list',
    key: '',
    content: (encoder) => encoding.writeVarString(encoder, text),
  })
}
const by = (client: number, ...structs: Block['structs']): Uint8Array =>
  spellUpdate([{ client, clock: 0, count: structs.length, structs }], new Map())

/** How often somebody's item is looked up in the document while one more is brought to its beginning. */
function lookUps(updates: readonly Uint8Array[], last: Uint8Array): number {
  prototype.integrate = ours
  try {
    const doc = new Y.Doc()
    for (const update of updates) Y.applyUpdate(doc, update)
    const clients = vi.spyOn(doc.store.clients, 'get')
    Y.applyUpdate(doc, last)
    return clients.mock.calls.length
  } finally {
    prototype.integrate = ofYjs
  }
}

describe('[R6.50] what an item passes on its way to its place costs little', () => {
  const count = 2_000
  const last = by(hostile + 1, item(4, {}, 'x'))
  /** Texts of two letters and values, so that no two become one. */
  const following = (origin: (clock: number) => number) => {
    const structs = [item(4, {}, 'ab')]
    for (let number = 1, clock = 2; number < count; number++) {
      const isText = number % 2 === 0
      structs.push(item(isText ? 4 : 5, { origin: { client: hostile, clock: origin(clock) } }, isText ? 'ab' : '1'))
      clock += isText ? 2 : 1
    }
    return by(hostile, ...structs)
  }

  test('items that stand on each other are passed without being looked up', () => {
    expect(lookUps([following((clock) => clock - 1)], last)).toBeLessThan(50)
  })

  test('items that stand in groups are looked up once or twice each', () => {
    // each text stands on the first of all, each value on the text before it
    const updates = [following((clock) => (clock % 3 === 2 ? clock - 1 : 0))]
    expect(lookUps(updates, last)).toBeLessThan(2.5 * count)
  })

  test('where groups cross each other, too', () => {
    const across = by(hostile + 2, item(4, { rightOrigin: { client: hostile, clock: 30 } }, 'x'))
    expect(lookUps([following((clock) => clock - 1), across], last)).toBeLessThan(2.5 * count)
  })

  test('nothing is passed behind who came to the same place and goes first', () => {
    prototype.integrate = ours
    try {
      const doc = new Y.Doc()
      for (const client of [30, 20, 10]) Y.applyUpdate(doc, by(client, item(4, {}, 'x')))
      const second = doc.getArray('list')._start?.right
      if (!second) throw new Error('there are three')
      const passed = vi.fn()
      const { right } = second
      Object.defineProperty(second, 'right', {
        get: () => {
          passed()
          return right
        },
      })
      Y.applyUpdate(doc, by(5, item(4, {}, 'x')))
      expect(passed).not.toHaveBeenCalled()
      expect(inOrder(doc.getArray('list')._start)).toEqual(['5:0', '10:0', '20:0', '30:0'])
    } finally {
      prototype.integrate = ofYjs
    }
  })
})
