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
    return new Promise((resolve) => void this.#begin(ms, resolve))
  }

  /** What `wait` brings, or `late` when it takes longer than `ms`, or than its owner is there. */
  async within<Value, Late>(ms: number, wait: Promise<Value>, late: Late): Promise<Value | Late> {
    let end = (): void => {}
    const limit = new Promise<Late>((resolve) => {
      end = this.#begin(ms, () => resolve(late))
    })
    try {
      return await Promise.race([wait, limit])
    } finally {
      end()
    }
  }

  end(): void {
    this.#ended = true
    for (const end of this.#ends) end()
  }

  /** @returns what ends it early */
  #begin(ms: number, ended: () => void): () => void {
    const end = (): void => {
      cancel()
      this.#ends.delete(end)
      ended()
    }
    const cancel = this.#ended ? () => {} : this.#clock.after(ms, end)
    if (this.#ended) ended()
    else this.#ends.add(end)
    return end
  }
}

const firstMs = 50

/** How long to wait before try `attempt + 1`, the first being 1. */
export const backoff = (attempt: number, longestMs: number): number =>
  Math.min(firstMs * 2 ** Math.min(attempt - 1, 20), longestMs)
