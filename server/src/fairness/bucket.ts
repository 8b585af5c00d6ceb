/** So many seconds' worth may be taken at once by who took nothing before. */
export const burstSeconds = 10

/** A token bucket: what is taken beyond it is owed, and waited for. */
export class Bucket {
  readonly #perSecond: number
  #level: number
  #at: number

  /** @param now in ms, of a clock that only goes forward */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond
    this.#level = perSecond * burstSeconds
    this.#at = now
  }

  take(amount: number, now: number): void {
    this.#fill(now)
    this.#level -= amount
  }

  /**
   * Takes so much if it is there, and nothing otherwise.
   * @returns how long until it is there, in ms; 0 when it was taken
   */
  tryToTake(amount: number, now: number): number {
    this.#fill(now)
    const missing = amount - this.#level
    if (missing > 0) return Math.ceil((missing / this.#perSecond) * 1000)
    this.#level -= amount
    return 0
  }

  /** How long until nothing is owed any more, in ms. */
  owed(now: number): number {
    this.#fill(now)
    return this.#level >= 0 ? 0 : Math.ceil((-this.#level / this.#perSecond) * 1000)
  }

  #fill(now: number): void {
    const gained = (Math.max(0, now - this.#at) / 1000) * this.#perSecond
    this.#level = Math.min(this.#perSecond * burstSeconds, this.#level + gained)
    this.#at = now
  }
}
