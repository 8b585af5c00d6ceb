import type { Clock } from '@tidemark/shared'

export interface HeartbeatTiming {
  /** ms of silence after which the server is asked to say something */
  readonly interval: number
  /** how many unanswered questions in a row mean that the line is dead */
  readonly misses: number
}

export const defaultHeartbeat: HeartbeatTiming = { interval: 30_000, misses: 2 }

/**
 * Notices a line that is dead without having been closed. It counts unanswered questions, not time: browsers slow
 * the timers of hidden tabs and stop them in sleep, and a line must not be called dead before it was asked.
 */
export class Heartbeat {
  readonly #clock: Clock
  readonly #timing: HeartbeatTiming
  readonly #on: { probe(): void; missed(): void }
  #cancel: () => void = () => {}
  #heard = false
  #unanswered = 0

  constructor(clock: Clock, timing: HeartbeatTiming, on: { probe(): void; missed(): void }) {
    this.#clock = clock
    this.#timing = timing
    this.#on = on
  }

  start(): void {
    this.#cancel = this.#clock.after(this.#timing.interval, () => this.#beat())
  }

  /** Any message is a sign of life. */
  heard(): void {
    this.#heard = true
  }

  stop(): void {
    this.#cancel()
  }

  #beat(): void {
    if (this.#heard) this.#unanswered = 0
    else if (this.#unanswered >= this.#timing.misses) {
      this.#on.missed()
      return
    } else {
      this.#unanswered++
      this.#on.probe()
    }
    this.#heard = false
    this.start()
  }
}
