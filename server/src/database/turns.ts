/** Whose turn it is with what only one can have at a time. Whoever is `urgent` goes before all others that wait. */
export class Turns {
  readonly #urgent: (() => void)[] = []
  readonly #others: (() => void)[] = []
  #taken = false

  /** Waits for a turn. @returns what ends it */
  async take({ urgent }: { urgent: boolean }): Promise<() => void> {
    if (this.#taken) {
      await new Promise<void>((resolve) => (urgent ? this.#urgent : this.#others).push(resolve))
    }
    this.#taken = true
    let ended = false
    return () => {
      if (ended) return
      ended = true
      const next = this.#urgent.shift() ?? this.#others.shift()
      // the turn goes from hand to hand, so that nobody who comes now takes it in between
      if (next) next()
      else this.#taken = false
    }
  }
}
