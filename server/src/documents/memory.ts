import { getHeapStatistics } from 'node:v8'

/** What takes of the memory: a document. */
export interface Holder {
  /** Of the heap, in bytes; never much less than it is. */
  readonly heap: number
  /** How much of it was added up since it was measured: it may be less. */
  readonly unmeasured: number
  measure(): Promise<void> | null
}

/**
 * Parts of what documents may take. A document is to be opened again with what it took in, by a process with the same heap, so what it
 * may grow to is two thirds of what may be opened.
 */
const parts = {
  /** Beyond this a document takes nothing in. */
  growing: 0.4,
  /** Beyond this it is not opened. */
  loading: 0.6,
  /** What all together may take: beyond the first what needs much waits, beyond the second whatever brings content. */
  much: 0.7,
  anything: 0.85,
  /** From here on they are measured, so that nobody waits for what is not there any more. */
  measured: 0.6,
  /** From so much on something needs much. */
  fromMuch: 1 / 200,
} as const

/** What the server itself takes of the heap (64 MiB), and what V8 adds for what is young (192 MiB in Node 24); in bytes. */
const ownBytes = 256 * 1024 * 1024

/** What is left for documents, in bytes. */
const heapForDocuments = (): number => {
  const { heap_size_limit: whole } = getHeapStatistics()
  return Math.max(whole - ownBytes, whole / 4)
}

/**
 * The heap of this process, which all documents share: a process that runs out of it takes all of them along (R6). What each
 * takes is estimated, because V8 does not say what of a full heap is garbage.
 */
export class Memory {
  readonly limit: number
  readonly #used: () => number
  readonly #held = new Map<Holder, number>()
  #total = 0
  /** When the total is beyond this they are measured. */
  #nextMeasurement: number

  /**
   * @param limit what documents may take, in bytes
   * @param used how much of it is in use, garbage and all
   */
  constructor(
    limit: number = heapForDocuments(),
    used: () => number = () => getHeapStatistics().used_heap_size - ownBytes,
  ) {
    this.limit = limit
    this.#used = used
    this.#nextMeasurement = limit * parts.measured
  }

  /** What a document may grow to, in bytes. */
  get growing(): number {
    return this.limit * parts.growing
  }

  /** What a document may take that is opened, in bytes. */
  get loading(): number {
    return this.limit * parts.loading
  }

  /** What all documents take together, in bytes. */
  get total(): number {
    return this.#total
  }

  changed(holder: Holder): void {
    this.#total += holder.heap - (this.#held.get(holder) ?? 0)
    this.#held.set(holder, holder.heap)
    if (this.#total > this.#nextMeasurement) void this.#measure()
  }

  left(holder: Holder): void {
    this.#total -= this.#held.get(holder) ?? 0
    this.#held.delete(holder)
  }

  /**
   * Whether something may go on that needs so many bytes.
   * @param counted how many of them are in the total already
   */
  hasRoomFor(heap: number, counted = 0): boolean {
    const isMuch = heap > this.limit * parts.fromMuch
    if (this.#total + heap - counted > this.limit * (isMuch ? parts.much : parts.anything)) return false
    // whoever needs little makes little garbage
    return !isMuch || this.#used() < this.limit * parts.anything
  }

  /** Those first of which least is known. */
  async #measure(): Promise<void> {
    this.#nextMeasurement = Number.POSITIVE_INFINITY
    const holders = [...this.#held.keys()].sort((one, other) => other.unmeasured - one.unmeasured)
    for (const holder of holders) {
      if (this.#total <= this.limit * parts.measured || holder.unmeasured < holder.heap / 20) break
      await holder.measure()
    }
    this.#nextMeasurement = Math.max(this.limit * parts.measured, this.#total + this.limit / 50)
  }
}
