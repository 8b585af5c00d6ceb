/** What a leader passed on and has not said to be stored. A follower keeps it, in case that it has to lead (D1.3). */
export class Unkept {
  #newest: number | null = null
  #waiting: { readonly number: number; readonly update: Uint8Array }[] = []

  /** @param number the newest that a new leader had passed on; null when it is not known yet. What waits still waits */
  newTerm(number: number | null): void {
    this.#newest = number
    // the new leader stores these by itself, or has them already; its own numbers begin anew
    this.#waiting = this.#waiting.map(({ update }) => ({ number: number ?? 0, update }))
  }

  /** @returns false when something before it was missed */
  add(number: number, update: Uint8Array): boolean {
    this.#waiting.push({ number, update })
    const isNext = this.#newest !== null && number <= this.#newest + 1
    if (isNext) this.#newest = Math.max(this.#newest ?? 0, number)
    return isNext
  }

  /** The leader sent everything up to this number at once. */
  caughtUp(number: number, update: Uint8Array): void {
    this.#newest = Math.max(this.#newest ?? 0, number)
    this.#waiting.push({ number, update })
  }

  /** The leader has stored everything up to this number. */
  kept(number: number): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.number > number)
  }

  take(): Uint8Array[] {
    const updates = this.#waiting.map(({ update }) => update)
    this.#waiting = []
    return updates
  }
}
