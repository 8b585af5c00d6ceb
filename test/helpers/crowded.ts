import * as encoding from 'lib0/encoding'
import { type Id, spellItem, spellUpdate } from '../fuzz/grammar/spell.ts'
import type { Random } from './random.ts'

export interface Shape {
  people: number
  /** How many of the items stand on one of the few first ones. */
  crowding: number
  /** How often a right origin is one that nobody can have seen beside the origin. */
  wildness: number
}

/** Items of several people, which stand where chance has it, and on what was there before them; each an update of its own. */
export function crowdedUpdates(random: Random, count: number, { people, crowding, wildness }: Shape): Uint8Array[] {
  const updates: Uint8Array[] = []
  const clocks = new Map<number, number>()
  const letters: Id[] = []
  const types: Id[] = []
  const order: Id[] = []
  const chance = (share: number) => random.next() < share
  const pickPlace = (): Id => (chance(crowding) ? random.pick(letters.slice(0, 4)) : random.pick(letters))
  for (let number = 0; number < count; number++) {
    const client = random.int(2, people + 1)
    const clock = clocks.get(client) ?? 0
    const origin = letters.length > 0 && chance(0.7) ? pickPlace() : null
    const at = origin ? order.indexOf(origin) : -1
    const beside = order[at + 1 + (chance(0.3) ? random.int(0, 3) : 0)] ?? null
    const rightOrigin = chance(wildness) && letters.length > 0 ? pickPlace() : chance(0.6) ? beside : null
    const isType = chance(0.05)
    const length = isType ? 1 : random.pick([1, 1, 1, 2, 5])
    const key = chance(0.25) ? random.pick(['a', 'b']) : ''
    const write = spellItem({
      info: (isType ? 7 : 4) | (origin ? 128 : 0) | (rightOrigin ? 64 : 0) | (key ? 32 : 0),
      origin,
      rightOrigin,
      parent: types.length > 0 && chance(0.2) ? random.pick(types) : random.pick(['list', 'list', 'map']),
      key,
      content: (encoder) =>
        isType ? encoding.writeVarUint(encoder, 0) : encoding.writeVarString(encoder, 'abcde'.slice(0, length)),
    })
    updates.push(spellUpdate([{ client, clock, count: 1, structs: [write] }], new Map()))
    if (isType) types.push({ client, clock })
    for (let part = 0; part < length; part++) {
      const id = { client, clock: clock + part }
      letters.push(id)
      order.splice(at + 1 + part, 0, id)
    }
    clocks.set(client, clock + length)
    if (chance(0.1)) {
      const { client, clock } = random.pick(letters)
      updates.push(spellUpdate([], new Map([[client, [{ clock, length: random.int(1, 2) }]]])))
    }
  }
  return updates
}

export function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
  const rest = [...items]
  const order: Item[] = []
  while (rest.length > 0) order.push(...rest.splice(random.int(0, rest.length - 1), 1))
  return order
}
