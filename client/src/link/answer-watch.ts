import type { Clock } from '@tidemark/shared'

/** ms in which a server that owes an answer says at least something. */
export const answerTimeLimit = 30_000

/**
 * Notices that the server answers neither a handshake nor a write, though the line is alive. Whatever it says in this
 * session is a sign that it is at work; so is a browser that is still sending.
 */
export class AnswerWatch {
  readonly #clock: Clock
  readonly #unsent: () => number
  readonly #onSilence: () => void
  #unsentBefore = 0
  #cancel: (() => void) | null = null

  /** @param unsent bytes that the browser has still to send */
  constructor(clock: Clock, unsent: () => number, onSilence: () => void) {
    this.#clock = clock
    this.#unsent = unsent
    this.#onSilence = onSilence
  }

  /** The server owes an answer from now on, or still. */
  expect(): void {
    if (this.#cancel) return
    this.#unsentBefore = this.#unsent()
    this.#cancel = this.#clock.after(answerTimeLimit, () => {
      this.#cancel = null
      if (this.#unsent() < this.#unsentBefore) this.expect()
      else this.#onSilence()
    })
  }

  /** It has said something, or owes nothing. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }
}
