import type { Clock } from '@tidemark/shared'

/** Waits that end early when their owner does, so that no timer outlives it. */
export class Pauses {
  readonly #clock: Clock
  readonly #ends = new Set<() => void>()
  #ended = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves after `ms`, or as soon as all pauses are ended. */
  pause(ms: number): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        cancel()
        this.#ends.delete(end)
        resolve()
      }
      const cancel = this.#clock.after(ms, end)
      this.#ends.add(end)
    })
  }

  /** What `wait` brings, or `late` when it takes longer than `ms`. */
  async within<Value, Late>(ms: number, wait: Promise<Value>, late: Late): Promise<Value | Late> {
    let cancel = (): void => {}
    const limit = new Promise<Late>((resolve) => {
      cancel = this.#clock.after(ms, () => resolve(late))
    })
    try {
      return await Promise.race([wait, limit])
    } finally {
      cancel()
    }
  }

  end(): void {
    this.#ended = true
    for (const end of this.#ends) end()
  }
}

const firstMs = 50

/** How long to wait before try `attempt + 1`, the first being 1. */
export const backoff = (attempt: number, longestMs: number): number =>
  Math.min(firstMs * 2 ** Math.min(attempt - 1, 20), longestMs)
