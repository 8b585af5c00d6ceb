import type { Clock } from '@tidemark/shared'

/** ms of silence after which the leader is asked whether it is there. */
const patience = 2_000
/** Questions without an answer after which it counts as gone. Answers need no timer, so a hidden leader gives them. */
const questions = 3

/**
 * Notices a leader that is frozen: it holds its lock and does not answer. Questions are counted, not time, because
 * this tab may have slept itself.
 */
export class Vigil {
  readonly #clock: Clock
  readonly #on: { ask(): void; silent(): void }
  #cancel: (() => void) | null = null
  #heard = false
  #unanswered = 0

  constructor(clock: Clock, on: { ask(): void; silent(): void }) {
    this.#clock = clock
    this.#on = on
  }

  start(): void {
    this.stop()
    this.#unanswered = 0
    this.#wait()
  }

  heard(): void {
    this.#heard = true
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  #wait(): void {
    this.#cancel = this.#clock.after(patience, () => {
      if (this.#heard) this.#unanswered = 0
      this.#heard = false
      if (this.#unanswered >= questions) {
        this.#unanswered = 0
        this.#on.silent()
      } else {
        this.#unanswered++
        this.#on.ask()
      }
      if (this.#cancel) this.#wait()
    })
  }
}
