import * as encoding from 'lib0/encoding'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { type Block, type Spelled, spellItem, spellRange, spellUpdate } from '../../../test/fuzz/grammar/spell.ts'
import { recordTraffic } from '../../../test/fuzz/grammar/traffic.ts'
import { Random } from '../../../test/helpers/random.ts'
import { flawOf } from './soundness.ts'

const flaw = (update: Uint8Array) => flawOf(Y.decodeUpdate(update).structs)

/** A letter at clock 3, of client 5 unless it is somebody else's. */
function letter(place: Partial<Spelled>, client = 5): Uint8Array {
  const flags = (place.origin ? 128 : 0) | (place.rightOrigin ? 64 : 0)
  const item = { origin: null, rightOrigin: null, parent: 'text', key: '', ...place, info: 4 | flags }
  const write = spellItem({ ...item, content: (encoder) => encoding.writeVarString(encoder, 'a') })
  return spellUpdate([{ client, clock: 3, count: 1, structs: [write] }], new Map())
}

describe('[R6.30] what no honest client can have written', () => {
  test.each([
    { what: 'its left neighbour is itself', place: { origin: { client: 5, clock: 3 } } },
    { what: 'its left neighbour comes later', place: { origin: { client: 5, clock: 4 } } },
    { what: 'its right neighbour is itself', place: { rightOrigin: { client: 5, clock: 3 } } },
    { what: 'its right neighbour comes later', place: { rightOrigin: { client: 5, clock: 900 } } },
    { what: 'its parent is itself', place: { parent: { client: 5, clock: 3 } } },
    { what: 'its parent comes later', place: { parent: { client: 5, clock: 4 } } },
  ])('an item: $what', ({ place }) => {
    expect(flaw(letter(place))).toBe('an item that stands on itself, or on a later one of its client')
  })

  test.each([
    { what: 'left', place: { origin: { client: 6, clock: 2 ** 53 - 1 } } },
    { what: 'right', place: { rightOrigin: { client: 6, clock: 2 ** 48 + 1 } } },
    { what: 'around', place: { parent: { client: 6, clock: 2 ** 52 } } },
  ])('an item with a clock $what of it that no counter holds', ({ place }) => {
    expect(flaw(letter(place))).toBe('an item that stands on what nobody can write')
  })

  test('what may wait does not move what others wait for', () => {
    const waitedFor = (clock: number): unknown => {
      const doc = new Y.Doc()
      Y.applyUpdate(doc, letter({ parent: { client: 6, clock } }))
      Y.applyUpdate(doc, letter({ origin: { client: 7, clock: 15 } }, 4))
      const { structs } = Y.decodeUpdate(Y.encodeStateAsUpdate(doc))
      return structs.find((struct): struct is Y.Item => struct.id.client === 4)?.origin?.clock
    }
    expect(flaw(letter({ parent: { client: 6, clock: 2 ** 48 } }))).toBe(null)
    expect(waitedFor(2 ** 48)).toBe(15)
    // what is refused would have done so
    expect(waitedFor(2 ** 53 + 32)).toBe(16)
  })

  test.each([
    { what: 'an earlier one of its client', place: { origin: { client: 5, clock: 2 } } },
    { what: 'one of another client, wherever', place: { origin: { client: 6, clock: 99 } } },
    { what: 'a parent that was there before', place: { parent: { client: 5, clock: 0 } } },
  ])('an item may stand on $what', ({ place }) => {
    expect(flaw(letter(place))).toBe(null)
  })

  test('a client that nobody can be: what others write beside it would stand on it', () => {
    expect(flaw(letter({}, 2 ** 53 + 2))).toBe('a client that nobody can be')
    expect(flaw(letter({}, 2 ** 53 - 1))).toBe(null)
  })

  test('two parts of one client: Yjs takes the last one only', () => {
    const part = (client: number, clock: number): Block => ({ client, clock, count: 1, structs: [spellRange(0, 1)] })
    expect(flaw(spellUpdate([part(9, 0), part(5, 0), part(9, 1)], new Map()))).toBe(
      'the structs of a client do not stand together',
    )
    expect(flaw(spellUpdate([part(9, 0), part(9, 5)], new Map()))).toBe(
      'the structs of a client do not follow each other',
    )
    expect(flaw(spellUpdate([part(9, 0), part(5, 0)], new Map()))).toBe(null)
  })

  test('nothing that honest clients say to each other, whole, in parts or merged', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const traffic = recordTraffic(new Random(seed), [11, 12, 13])
      for (const update of traffic) expect(flaw(update)).toBe(null)
      expect(flaw(Y.mergeUpdates(traffic))).toBe(null)
      expect(flaw(Y.mergeUpdates(traffic.filter((_, index) => index % 3 > 0)))).toBe(null)
    }
  })
})
