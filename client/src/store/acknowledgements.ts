import type { Clock } from '@tidemark/shared'
import type { Acknowledged } from './local-store.ts'

/** The least time between two transactions that only take back marks. */
const interval = 200

/** Gathers acknowledgements: the first is written down at once, those right after it together. */
export class Acknowledgements {
  readonly #clock: Clock
  readonly #write: (acknowledged: Acknowledged) => Promise<void>
  #due = new Map<string, number>()
  #lastAt = Number.NEGATIVE_INFINITY
  #next: { readonly done: Promise<void>; readonly run: () => void } | null = null

  constructor(clock: Clock, write: (acknowledged: Acknowledged) => Promise<void>) {
    this.#clock = clock
    this.#write = write
  }

  /** @returns settles when it is written down */
  add(acknowledged: Acknowledged): Promise<void> {
    for (const [opening, position] of acknowledged) {
      this.#due.set(opening, Math.max(position, this.#due.get(opening) ?? 0))
    }
    if (this.#due.size === 0) return Promise.resolve()
    if (this.#next) return this.#next.done
    const since = this.#clock.now() - this.#lastAt
    // a clock that was set back must not keep anything waiting
    return since >= 0 && since < interval ? this.#later(interval - since) : this.#now()
  }

  /** Writes down now what is waiting. */
  flush(): void {
    this.#next?.run()
  }

  #later(delay: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const run = () => {
      cancel()
      this.#next = null
      resolve(this.#now())
    }
    const cancel = this.#clock.after(delay, run)
    this.#next = { done: promise, run }
    return promise
  }

  #now(): Promise<void> {
    this.#lastAt = this.#clock.now()
    const due = this.#due
    this.#due = new Map()
    return this.#write(due)
  }
}
