import { type Clock, TidemarkError } from '@tidemark/shared'

export interface FlushOptions {
  /** ms until `flush-timeout`; `Infinity` is never. Default 5000. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

interface Waiting {
  readonly isDone: () => boolean
  readonly settle: (error: TidemarkError | null) => void
}

/** Those who wait until what they asked for is saved. */
export class FlushWaiters {
  readonly #clock: Clock
  readonly #waiting = new Set<Waiting>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wait(isDone: () => boolean, { timeout = 5_000, signal }: FlushOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => waiting.settle(new TidemarkError('flush-aborted', undefined, { cause: signal?.reason }))
      const cancel = this.#clock.after(timeout, () => waiting.settle(new TidemarkError('flush-timeout')))
      const waiting: Waiting = {
        isDone,
        settle: (error) => {
          this.#waiting.delete(waiting)
          cancel()
          signal?.removeEventListener('abort', abort)
          if (error) reject(error)
          else resolve()
        },
      }
      this.#waiting.add(waiting)
      signal?.addEventListener('abort', abort)
      if (signal?.aborted) abort()
    })
  }

  /** Something has changed. */
  look(): void {
    for (const waiting of [...this.#waiting]) if (waiting.isDone()) waiting.settle(null)
  }

  fail(error: TidemarkError): void {
    for (const waiting of [...this.#waiting]) waiting.settle(error)
  }
}
