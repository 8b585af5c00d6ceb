import * as Y from 'yjs'
import type { Struct } from './structure.ts'

/** What a document, or a part of it, takes when it is encoded, and of the heap; both in bytes, and about. */
export interface Weight {
  bytes: number
  heap: number
}

export type Deletions = ReturnType<typeof Y.decodeUpdate>['ds']

const idBytes = 8
const rangeBytes = 5

/**
 * What Yjs takes of the heap in Node 24, beside what stands in it: rather more. A struct has 200 to 260, a type with its map
 * of attributes and its lists of listeners 450 more.
 */
const heapOf = {
  struct: 300,
  client: 500,
  root: 700,
  type: 500,
  document: 4_000,
  key: 100,
  text: 24,
  bytes: 220,
} as const

/** What a document's structs take of the heap, whatever stands in them. Costs next to nothing. */
export function frameOf({ store, share }: Y.Doc): number {
  let structs = 0
  for (const { length } of store.clients.values()) structs += length
  return structs * heapOf.struct + store.clients.size * heapOf.client + share.size * heapOf.root
}

/** How much is weighed between two looks at the time: so many structs and values. */
const portion = 2_000
/** Of a struct with many values. */
const valuesAtOnce = 250

/**
 * Weighs what stands in a document's structs, a portion at a time. It may change between two portions: what comes
 * meanwhile may be weighed or not, everything else is weighed once.
 */
export function* weighing({ store }: Y.Doc): Generator<void, Weight> {
  const weight = { bytes: 0, heap: 0 }
  weight.bytes += (store.pendingStructs?.update.byteLength ?? 0) + (store.pendingDs?.byteLength ?? 0)
  let left = portion
  for (const [client, structs] of store.clients) {
    weight.bytes += idBytes
    let wasDeleted = false
    for (let clock = 0, end = Y.getState(store, client); clock < end; ) {
      // they may have been cut or put together since
      let index = Y.findIndexSS(structs, clock)
      for (; index < structs.length && left > 0; index++) {
        const struct = structs[index] as Y.Item | Y.GC
        const from = clock - struct.id.clock
        const to = hasValues(struct) ? Math.min(struct.length, from + valuesAtOnce) : struct.length
        left -= 1 + add(weight, struct, from, to)
        // a run of deleted structs is one range
        if (struct.deleted && !wasDeleted) weight.bytes += rangeBytes
        wasDeleted = struct.deleted
        clock = struct.id.clock + to
        if (to < struct.length) break
      }
      if (left > 0) continue
      yield
      left = portion
      end = Y.getState(store, client)
    }
  }
  return weight
}

/** Weighs a document in one go. */
export function weightOf(document: Y.Doc): Weight {
  const walk = weighing(document)
  for (;;) {
    const step = walk.next()
    if (step.done) return { ...step.value, heap: step.value.heap + frameOf(document) }
  }
}

/**
 * Adds what a struct takes from one of its clocks to another, its place on the heap left out.
 * @returns how many values it looked at, and long texts
 */
export function add(weight: Weight, struct: Struct, from = 0, to = struct.length): number {
  if (!(struct instanceof Y.Item)) {
    weight.bytes += 4
    return 0
  }
  if (from === 0) {
    weight.bytes += placeSize(struct)
    if (struct.parentSub !== null) weight.heap += heapOf.key + 2 * struct.parentSub.length
  }
  return addContent(weight, struct.content, from, to)
}

function placeSize({ origin, rightOrigin, parentSub }: Y.Item): number {
  const place = (origin ? idBytes : 0) + (rightOrigin ? idBytes : 0)
  return 1 + (place === 0 ? idBytes + (parentSub?.length ?? 0) : place)
}

/** How many bytes a struct takes when it is encoded. */
export function structSize(struct: Y.Item | Y.GC): number {
  const weight = { bytes: 0, heap: 0 }
  add(weight, struct)
  return weight.bytes
}

const hasValues = (struct: Y.Item | Y.GC): boolean =>
  struct instanceof Y.Item && (struct.content instanceof Y.ContentAny || struct.content instanceof Y.ContentJSON)

function addContent(weight: Weight, content: Y.Item['content'], from: number, to: number): number {
  if (content instanceof Y.ContentString) {
    const { str } = content
    if (from > 0) {
      // to cut it would cost as much as it is long
      weight.bytes += 2 * (to - from)
      weight.heap += 2 * (to - from)
      return 0
    }
    const size = Buffer.byteLength(str)
    weight.bytes += 2 + size
    weight.heap += textHeap(str, size)
    return workOf(size)
  }
  if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON)
    return addValues(weight, content.arr, from, to)
  if (content instanceof Y.ContentEmbed) return addValues(weight, [content.embed])
  if (content instanceof Y.ContentFormat) {
    weight.bytes += content.key.length
    return addValues(weight, [content.value])
  }
  if (content instanceof Y.ContentBinary) {
    weight.bytes += 3 + content.content.byteLength
    weight.heap += heapOf.bytes + content.content.byteLength
    return 0
  }
  // a type, a document within a document, what is deleted
  weight.bytes += 4
  if (content instanceof Y.ContentType) weight.heap += heapOf.type
  else if (content instanceof Y.ContentDoc) weight.heap += heapOf.document
  return 0
}

/** Texts of one letter are there once for all; where a letter takes two bytes encoded, all of its text do in memory. */
const textHeap = ({ length }: string, size: number): number =>
  length <= 1 ? 0 : heapOf.text + (size > length ? 2 * length : length)

/** Texts are gone through, a thousand letters in the time of some values. */
const workOf = (size: number): number => size >> 8

/** Without recursion, because it is asked of whatever was stored once. @returns how many values there are, and long texts */
function addValues(weight: Weight, values: readonly unknown[], from = 0, to = values.length): number {
  let count = to - from
  const open: (readonly unknown[])[] = []
  for (let index = from; index < to; index++) count += addValue(weight, values[index], open)
  for (let members = open.pop(); members; members = open.pop()) {
    count += members.length
    for (const member of members) count += addValue(weight, member, open)
  }
  return count
}

/**
 * @param open takes the values that stand in it
 * @returns how many values it is as much work as, beside one
 */
function addValue(weight: Weight, value: unknown, open: (readonly unknown[])[]): number {
  // its place in what holds it
  weight.heap += 16
  if (typeof value === 'string') {
    const size = Buffer.byteLength(value)
    weight.bytes += 3 + size
    weight.heap += textHeap(value, size)
    return workOf(size)
  }
  if (typeof value === 'number') {
    const isShort = Number.isInteger(value) && Math.abs(value) < 2 ** 31
    weight.bytes += isShort ? 4 : 9
    weight.heap += isShort ? 0 : 16
  } else if (typeof value === 'bigint') {
    weight.bytes += 9
    weight.heap += 32
  } else if (typeof value !== 'object' || value === null) {
    weight.bytes += 2
  } else if (value instanceof Uint8Array) {
    weight.bytes += 3 + value.byteLength
    weight.heap += 120 + value.byteLength
  } else if (Array.isArray(value)) {
    weight.bytes += 2
    weight.heap += value.length === 0 ? 40 : 200
    if (value.length > 0) open.push(value)
  } else {
    weight.bytes += 2
    weight.heap += 160
    for (const key of Object.keys(value)) {
      weight.bytes += 1 + key.length
      weight.heap += 70 + key.length
    }
    open.push(Object.values(value))
  }
  return 0
}

/** Of a small update no more structs are looked at than this: what it takes away is only a credit. */
const mostLookedAt = 5_000

/** What an update needs beside what a document has, and what it takes away; it may be read in parts. */
export class NeedReading {
  /** What the deletions take away. */
  readonly freed: Weight = { bytes: 0, heap: 0 }
  readonly #document: Y.Doc
  readonly #roots = new Set<string>()
  #heap = 0
  #client = -1
  #state = 0

  constructor(document: Y.Doc) {
    this.#document = document
  }

  add({ structs, ds }: { structs: readonly Struct[]; ds: Deletions }): void {
    this.addStructs(structs)
    this.addDeletions(ds)
  }

  addStructs(structs: readonly Struct[]): void {
    const { store, share } = this.#document
    const weight = { bytes: 0, heap: 0 }
    for (const struct of structs) {
      const { client, clock } = struct.id
      if (client !== this.#client) {
        this.#client = client
        this.#state = Y.getState(store, client)
        if (this.#state === 0) this.#heap += heapOf.client
      }
      if (clock + struct.length <= this.#state) continue
      weight.heap += heapOf.struct
      add(weight, struct)
      const parent: unknown = struct instanceof Y.Item ? struct.parent : null
      if (typeof parent === 'string' && !share.has(parent)) this.#roots.add(parent)
    }
    this.#heap += weight.heap
  }

  addDeletions(deletions: Deletions): void {
    let left = mostLookedAt
    for (const [client, ranges] of deletions.clients) {
      for (const { clock, len } of ranges) {
        left -= 1
        if (left > 0) left -= this.#addRange(client, clock, clock + len, left)
        else this.#heap += 2 * heapOf.struct
      }
    }
  }

  /** What it needs of the heap: for what it brings, and for what its deletions cut into pieces. */
  get heap(): number {
    return this.#heap + this.#roots.size * heapOf.root
  }

  #addRange(client: number, clock: number, end: number, most: number): number {
    const { store } = this.#document
    const structs = store.clients.get(client)
    if (!structs || clock >= Y.getState(store, client)) return 0
    let looked = 0
    for (let index = Y.findIndexSS(structs, clock); index < structs.length && looked < most; index++) {
      const struct = structs[index] as Y.Item | Y.GC
      const { id, length } = struct
      if (id.clock >= end) break
      looked++
      if (struct.deleted) continue
      if (id.clock < clock) this.#heap += heapOf.struct
      if (id.clock + length > end) this.#heap += heapOf.struct
      const share = (Math.min(end, id.clock + length) - Math.max(clock, id.clock)) / length
      const weight = { bytes: 0, heap: 0 }
      // of very long values it is not looked at how much that is
      if (!hasValues(struct) || length <= portion) looked += add(weight, struct)
      this.freed.bytes += weight.bytes * share
      this.freed.heap += weight.heap * share
    }
    return looked
  }
}
