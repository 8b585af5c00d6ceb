import type { Clock } from '@tidemark/shared'

export interface HeartbeatTiming {
  /** ms of silence after which the server is asked to say something */
  readonly interval: number
  /** how many unanswered questions in a row mean that the line is dead */
  readonly misses: number
}

/** ms that a question asked on suspicion waits for its answer. */
const suspicion = 5_000
/** A timer that is late by more than this slept: with the device, or in a hidden tab. */
const oversleeping = 10_000

export const defaultHeartbeat: HeartbeatTiming = { interval: 30_000, misses: 2 }

/**
 * Notices a line that is dead without having been closed. It counts unanswered questions, not time: browsers slow
 * the timers of hidden tabs and stop them in sleep, and a line must not be called dead before it was asked.
 * A device that wakes up does not wait for the next beat: the line is asked at once, and given up 5 s later.
 */
export class Heartbeat {
  readonly #clock: Clock
  readonly #timing: HeartbeatTiming
  readonly #on: { probe(): void; missed(): void }
  #cancel: () => void = () => {}
  #heard = false
  #unanswered = 0
  #dueAt = 0
  #cancelSuspicion: (() => void) | null = null

  constructor(clock: Clock, timing: HeartbeatTiming, on: { probe(): void; missed(): void }) {
    this.#clock = clock
    this.#timing = timing
    this.#on = on
  }

  start(): void {
    this.#dueAt = this.#clock.now() + this.#timing.interval
    this.#cancel = this.#clock.after(this.#timing.interval, () => this.#beat())
  }

  /** Any message is a sign of life. */
  heard(): void {
    this.#heard = true
    this.#cancelSuspicion?.()
    this.#cancelSuspicion = null
  }

  /** Something has happened after which lines are often dead: a wake-up, a change of network. */
  suspect(): void {
    if (this.#cancelSuspicion) return
    this.#on.probe()
    this.#cancelSuspicion = this.#clock.after(suspicion, () => this.#on.missed())
  }

  stop(): void {
    this.#cancel()
    this.#cancelSuspicion?.()
    this.#cancelSuspicion = null
  }

  #beat(): void {
    if (this.#clock.now() - this.#dueAt > oversleeping) {
      this.suspect()
      this.start()
      return
    }
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
