import type { Clock } from '@tidemark/shared'
import { mergeInGroups } from '../link/merge.ts'

/** ms in which what was stored is said in one message. */
const keptDelay = 100
/** Updates after which what waits becomes one. */
const longestWait = 500

/**
 * What a leader passes on from the server, numbered within its term, and which of it is stored. A follower keeps what
 * the leader has not said to be stored, in case that it has to lead itself (D1.3).
 */
export class Relay {
  readonly #clock: Clock
  readonly #sayKept: (number: number) => void
  // as a leader
  #passedOn = 0
  #keptTo = 0
  #cancelKept: (() => void) | null = null
  // as a follower
  #newest: number | null = null
  #waiting: { readonly number: number; readonly update: Uint8Array }[] = []

  constructor(clock: Clock, sayKept: (number: number) => void) {
    this.#clock = clock
    this.#sayKept = sayKept
  }

  get passedOn(): number {
    return this.#passedOn
  }

  /** This tab leads now. @returns what the last leader had not stored */
  lead(): Uint8Array[] {
    this.#passedOn = this.#keptTo = 0
    const updates = this.#waiting.map(({ update }) => update)
    this.#waiting = []
    return updates
  }

  next(): number {
    return ++this.#passedOn
  }

  /** What was passed on under this number is in the local store. Updates are stored in order. */
  kept(number: number): void {
    this.#keptTo = Math.max(this.#keptTo, number)
    this.#cancelKept ??= this.#clock.after(keptDelay, () => {
      this.#cancelKept = null
      this.#sayKept(this.#keptTo)
    })
  }

  /**
   * Somebody else leads now.
   * @param number the newest that it has passed on; null when it is not known yet
   */
  follow(number: number | null): void {
    this.#newest = number
    // a new leader asks every tab for what it has, and stores what is new to it
    this.#waiting = this.#waiting.map(({ update }) => ({ number: number ?? 0, update }))
  }

  /** The leader has passed something on. @returns false when something before it was missed */
  heard(number: number, update: Uint8Array): boolean {
    this.#wait(number, update)
    const isNext = this.#newest !== null && number <= this.#newest + 1
    if (isNext) this.#newest = Math.max(this.#newest ?? 0, number)
    return isNext
  }

  /** The leader has sent everything up to this number at once. */
  caughtUp(number: number, update: Uint8Array): void {
    this.#newest = Math.max(this.#newest ?? 0, number)
    this.#wait(number, update)
  }

  /** The leader has stored everything up to this number. */
  heardKept(number: number): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.number > number)
  }

  stop(): void {
    this.#cancelKept?.()
    this.#cancelKept = null
  }

  #wait(number: number, update: Uint8Array): void {
    this.#waiting.push({ number, update })
    // a leader that cannot store must not fill the memory of the others
    if (this.#waiting.length <= longestWait) return
    this.#waiting = [{ number, update: mergeInGroups(this.#waiting.map((waiting) => waiting.update)) }]
  }
}
