import type { Clock } from '@tidemark/shared'
import type { Offline } from './attention.ts'

/** A timer that is late by more than this slept: with the device, or in a hidden tab. */
const oversleeping = 90_000
/** ms that a device which has just woken up gets to find its network. */
const grace = 60_000

/** Notices that there has been no connection for a long time (D3.5). Time that the device slept through does not count. */
export class OfflineWatch {
  readonly #clock: Clock
  readonly #limit: number
  readonly #onLong: () => void
  #cancel: (() => void) | null = null
  #isClosed = false

  constructor(clock: Clock, limit: number, onLong: () => void) {
    this.#clock = clock
    this.#limit = limit
    this.#onLong = onLong
  }

  /** How it stands now. */
  look(offline: Offline | null): void {
    if (!offline || offline.isLong) this.#stop()
    else if (!this.#cancel && !this.#isClosed) this.#wait(this.#limit)
  }

  close(): void {
    this.#isClosed = true
    this.#stop()
  }

  #stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  #wait(delay: number): void {
    const due = this.#clock.now() + delay
    this.#cancel = this.#clock.after(delay, () => {
      this.#cancel = null
      if (this.#clock.now() - due > oversleeping) this.#wait(grace)
      else this.#onLong()
    })
  }
}
