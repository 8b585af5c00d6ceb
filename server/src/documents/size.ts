import type * as Y from 'yjs'
import type { Holder, Memory } from './memory.ts'
import { someNews } from './news.ts'
import { inTurns } from './pace.ts'
import { add, frameOf, type Weight, weighing } from './weight.ts'

/** What an update does to a document's size. */
export interface SizeChange {
  /** It brings content, and not only deletions. */
  bringsContent: boolean
  /** What it needs. */
  bytes: number
  heap: number
  /** What its deletions take away; asked for when it matters. */
  freed(): Weight
}

/** At most this part of the time is spent on measuring one document. */
const measuringShare = 1 / 20
/** Portions that are weighed in one go: more of them are taken in turns. */
const portionsAtOnce = 8
/** It is measured from this part of a limit on, once so much was added up since. */
const early = { from: 3 / 4, added: 1 / 16 }
/**
 * An edit that takes away about as much as it brings passes at the limit, too: up to here, because it may bring a little
 * more. So do deletions, which cut what they are in the middle of into two.
 */
const tolerance = { edits: 1.1, deletions: 1.25, small: 1.45 }
const overhead: Weight = { bytes: 64, heap: 1_024 }
const dimensions = ['bytes', 'heap'] as const

/**
 * How large a document is, for its limits (R8.4, R6.55): sums that grow with each update, whatever it overwrites, and that
 * are replaced by a measurement when they come near a limit. So an edit's cost does not grow with the document, and nobody is
 * refused for what has been deleted.
 */
export class DocumentSize implements Holder {
  /** Somebody was refused for want of room, and waits for it. */
  isWaitedFor = false
  /** Called when a measurement that took several turns has ended. */
  measured: () => void = () => {}
  readonly memory: Memory
  readonly #document: Y.Doc
  readonly #content: Weight = { bytes: 0, heap: 0 }
  /** What was added since the last measurement began. */
  readonly #added: Weight = { bytes: 0, heap: 0 }
  /** What was subtracted for deletions since the last measurement. */
  readonly #credited: Weight = { bytes: 0, heap: 0 }
  #frame = 0
  #reserved = 0
  #nextMeasurement = 0
  #measuring: Promise<void> | null = null

  constructor(document: Y.Doc, memory: Memory) {
    this.#document = document
    this.memory = memory
    document.on('afterTransactionCleanup', (transaction: Y.Transaction) => this.#changed(transaction))
    document.on('destroy', () => memory.left(this))
  }

  /** About how many bytes; never much less than it has. */
  get bytes(): number {
    return this.#content.bytes
  }

  /** About how much of the heap it takes, with what is under way; never much less than it does. */
  get heap(): number {
    return this.#frame + this.#content.heap + this.#reserved
  }

  get unmeasured(): number {
    return this.#added.heap
  }

  grow(bytes: number): void {
    this.#content.bytes += bytes
    this.#added.bytes += bytes
  }

  /** Something that needs so much of the heap is under way. @returns ends that; what has come of it by then is counted */
  reserve(heap: number): () => void {
    this.#reserve(heap)
    return () => this.#reserve(-heap)
  }

  #reserve(heap: number): void {
    this.#reserved += heap
    if (!this.#document.isDestroyed) this.memory.changed(this)
  }

  #changed(transaction: Y.Transaction): void {
    const brought: Weight = { bytes: 0, heap: 0 }
    someNews(transaction, (struct) => {
      const before = transaction.beforeState.get(struct.id.client) ?? 0
      add(brought, struct, Math.max(0, before - struct.id.clock))
      return false
    })
    this.#content.heap += brought.heap
    this.#added.heap += brought.heap
    this.#frame = frameOf(this.#document)
    this.memory.changed(this)
  }

  /** Whether the document may take an update, which its writer may write; deletions that cost little always may. */
  hasRoomFor(change: SizeChange, limit: number): boolean {
    const limits: Weight = { bytes: limit, heap: this.memory.growing }
    // far from the limits an upper bound will do
    if (dimensions.every((of) => this[of] + change[of] <= limits[of] / 2)) return true
    // so much is believed of what is only about to be applied
    if (dimensions.some((of) => this.#credited[of] > limits[of] / 4)) void this.measure()
    else this.#measureEarly(limits)
    const freed = change.freed()
    const fits = () => dimensions.every((of) => this[of] + change[of] - freed[of] <= limits[of])
    if (!fits()) {
      void this.measure()
      if (!fits() && !dimensions.every((of) => this.#mayPass(of, change, freed, limits))) return false
    }
    // what it takes away is gone once it is applied, and what it brings is added then
    for (const of of dimensions) {
      this.#content[of] = Math.max(0, this.#content[of] - freed[of])
      this.#credited[of] += freed[of]
    }
    return true
  }

  /** Whether an update passes that does not fit. */
  #mayPass(of: keyof Weight, change: SizeChange, freed: Weight, limits: Weight): boolean {
    const [has, needs] = [this[of], change[of] - freed[of]]
    if (has + needs <= limits[of]) return true
    const isSmall = needs <= overhead[of]
    if (change.bringsContent) return freed.bytes > 0 && isSmall && has <= limits[of] * tolerance.edits
    return has + needs <= limits[of] * tolerance.deletions || needs <= 0 || (isSmall && this.#bearsSmall(of, limits))
  }

  /** What is cut up takes more of the heap: a document that is cut up without end could not be opened any more. */
  #bearsSmall(of: keyof Weight, limits: Weight): boolean {
    return of === 'bytes' || this[of] <= limits[of] * tolerance.small
  }

  /** Whether so much more would fit now, as far as is known without an edit's details. */
  fits(more: Weight, limit: number): boolean {
    const fits = () => this.bytes + more.bytes <= limit && this.heap + more.heap <= this.memory.growing
    if (!fits()) void this.measure()
    return fits()
  }

  /** Has it measured before an update is judged that it may have no room for. */
  async prepare({ bytes, heap }: Weight, limit: number): Promise<void> {
    if (this.bytes + bytes > limit || this.heap + heap > this.memory.growing || !this.memory.hasRoomFor(heap))
      await this.measure()
  }

  #measureEarly(limits: Weight): void {
    const isDue = (of: keyof Weight) => this[of] > limits[of] * early.from && this.#added[of] > limits[of] * early.added
    if (dimensions.some(isDue)) void this.measure()
  }

  /** @returns null when it has been done, or was done lately */
  measure(): Promise<void> | null {
    if (this.#measuring) return this.#measuring
    const isLate = performance.now() >= this.#nextMeasurement || this.#added.heap > this.memory.growing * early.added
    if (!isLate || this.#document.isDestroyed) return null
    for (const of of dimensions) this.#added[of] = 0
    const measurement = new Measurement(this.#document)
    const weight = measurement.goOn()
    if (weight) this.#end(weight, measurement.took)
    else {
      this.#measuring = this.#goOn(measurement).finally(() => {
        this.#measuring = null
        this.measured()
      })
    }
    return this.#measuring
  }

  async #goOn(measurement: Measurement): Promise<void> {
    for (;;) {
      await measurement.pace.rest()
      if (this.#document.isDestroyed) return
      try {
        const weight = measurement.goOn()
        if (weight) return this.#end(weight, measurement.took)
      } catch {
        // Yjs broke it while it applied an edit (R1.9): it is about to leave, and until then the sums stand
        return
      }
    }
  }

  #end(weight: Weight, took: number): void {
    for (const of of dimensions) {
      this.#content[of] = weight[of] + this.#added[of]
      this.#credited[of] = 0
    }
    this.#frame = frameOf(this.#document)
    this.#nextMeasurement = performance.now() + took / measuringShare
    if (!this.#document.isDestroyed) this.memory.changed(this)
  }
}

class Measurement {
  readonly pace = inTurns()
  took = 0
  readonly #walk: Generator<void, Weight>

  constructor(document: Y.Doc) {
    this.#walk = weighing(document)
  }

  /** Goes on for a moment. @returns what the document weighs when it is at its end */
  goOn(): Weight | null {
    const began = performance.now()
    try {
      for (let left = portionsAtOnce; left > 0; left--) {
        const step = this.#walk.next()
        if (step.done) return step.value
      }
      return null
    } finally {
      this.took += performance.now() - began
    }
  }
}
