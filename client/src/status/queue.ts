/**
 * A queue that is never changed in place as far as anybody can see: `push` and `shift` give a new one. Queues that
 * follow each other share one list, so ten thousand writes without an answer cost no more each than one (D3.8).
 */
export interface Queue<Item> {
  readonly list: readonly Item[]
  readonly from: number
  readonly to: number
}

export const emptyQueue: Queue<never> = { list: [], from: 0, to: 0 }

export function push<Item>({ list, from, to }: Queue<Item>, item: Item): Queue<Item> {
  // Somebody else went on from here already, or the list begins with nothing but what was taken: a list of its own.
  const own = to < list.length || from * 2 >= list.length ? list.slice(from, to) : (list as Item[])
  own.push(item)
  return own === list ? { list, from, to: to + 1 } : { list: own, from: 0, to: own.length }
}

export function shift<Item>({ list, from, to }: Queue<Item>): Queue<Item> {
  return from + 1 >= to ? emptyQueue : { list, from: from + 1, to }
}

export function first<Item>({ list, from, to }: Queue<Item>): Item | undefined {
  return from < to ? list[from] : undefined
}

export function last<Item>({ list, from, to }: Queue<Item>): Item | undefined {
  return from < to ? list[to - 1] : undefined
}
