import { type Clock, TidemarkError } from '@tidemark/shared'
import { retryDelay } from '../../link/retry.ts'
import type { StoreEvents } from '../../store/local-store.ts'

export interface Write {
  readonly update: Uint8Array
  readonly position: number | null
}

type Waiting = Write & { readonly resolve: () => void; readonly reject: (error: TidemarkError) => void }

export interface WritesMeans {
  readonly clock: Clock
  readonly events: Pick<StoreEvents, 'failed' | 'recovered'>
  /** Nothing can be written before the copy is open, nor while it is being made anew. */
  readonly isOpen: () => boolean
  readonly put: (writes: readonly Write[]) => Promise<void>
  /** It is time to try again, and the copy is not open. */
  readonly reopen: () => void
}

const retrySchedule = { kind: 'exponential', first: 1_000, factor: 2, max: 30_000, jitter: false } as const

/** Brings updates onto the disk, in order, and tries until they are there. */
export class DiskWrites {
  readonly #means: WritesMeans
  #waiting: Waiting[] = []
  #failing: TidemarkError | null = null
  #failures = 0
  #isStopped = false
  #givenUp: TidemarkError | null = null
  #cancelRetry: (() => void) | null = null

  constructor(means: WritesMeans) {
    this.#means = means
  }

  add(write: Write): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = { ...write, resolve, reject }
      if (this.#means.isOpen() && this.#waiting.length === 0) this.#put([waiting])
      else this.#waiting.push(waiting)
    })
  }

  flush(): void {
    if (this.#waiting.length === 0 || !this.#means.isOpen()) return
    const writes = this.#waiting
    this.#waiting = []
    this.#put(writes)
  }

  failed(cause: unknown): void {
    const isFull = cause instanceof DOMException && cause.name === 'QuotaExceededError'
    const error = new TidemarkError(isFull ? 'local-storage-full' : 'local-storage-failed', undefined, { cause })
    if (this.#failing?.code !== error.code) {
      this.#failing = error
      this.#means.events.failed(error)
    }
    if (this.#cancelRetry || this.#isStopped) return
    this.#failures++
    this.#cancelRetry = this.#means.clock.after(retryDelay(retrySchedule, this.#failures, 0), () => {
      this.#cancelRetry = null
      if (this.#means.isOpen()) this.flush()
      else this.#means.reopen()
    })
  }

  recovered(): void {
    this.#failures = 0
    if (!this.#failing || this.#waiting.length > 0) return
    this.#failing = null
    this.#means.events.recovered()
  }

  /** What fails from here on is not tried again. */
  stop(): void {
    this.#isStopped = true
    this.#cancelRetry?.()
    this.#cancelRetry = null
  }

  giveUp(error: TidemarkError): void {
    this.stop()
    this.#givenUp = error
    const waiting = this.#waiting
    this.#waiting = []
    for (const { reject } of waiting) reject(error)
  }

  #put(writes: readonly Waiting[]): void {
    this.#means.put(writes).then(
      () => {
        for (const { resolve } of writes) resolve()
        this.recovered()
      },
      (cause: unknown) => {
        this.#waiting = [...writes, ...this.#waiting]
        if (this.#givenUp) this.giveUp(this.#givenUp)
        // thrown away meanwhile: it is being written again, and these follow
        else if (this.#means.isOpen()) this.failed(cause)
      },
    )
  }
}
