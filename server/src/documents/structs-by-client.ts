import type * as Y from 'yjs'
import type { Struct } from './structure.ts'

/** The structs of an update, to be found by their ids: those of each client stand in the order of their clocks. */
export class StructsByClient {
  readonly #clients = new Map<number, Struct[]>()

  constructor(structs: readonly Struct[]) {
    for (const struct of structs) {
      const ofClient = this.#clients.get(struct.id.client)
      if (ofClient) ofClient.push(struct)
      else this.#clients.set(struct.id.client, [struct])
    }
  }

  find({ client, clock }: Y.ID): Struct | null {
    return findAt(this.#clients.get(client) ?? [], clock, spanOf)
  }
}

const spanOf = ({ id, length }: Struct) => ({ clock: id.clock, end: id.clock + length })

/** Which of some things that take clocks, in their order, has this clock. */
export function findAt<Item>(
  items: readonly Item[],
  clock: number,
  spanOf: (item: Item) => { clock: number; end: number },
): Item | null {
  let from = 0
  let to = items.length - 1
  while (from <= to) {
    const middle = (from + to) >> 1
    const item = items[middle] as Item
    const span = spanOf(item)
    if (clock < span.clock) to = middle - 1
    else if (clock >= span.end) from = middle + 1
    else return item
  }
  return null
}
