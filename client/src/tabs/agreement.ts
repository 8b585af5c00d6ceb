import type { Clock } from '@tidemark/shared'

/** ms after which a tab that does not answer (it is frozen) is not waited for. */
export const answerTime = 500

/** Those who wait until the other tabs have said what they have. */
export class Agreement {
  readonly #clock: Clock
  readonly #waiting = new Set<{ readonly missing: Set<string>; readonly done: () => void }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wait(others: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        this.#waiting.delete(waiting)
        resolve()
      }
      const waiting = { missing: new Set(others), done }
      const cancel = this.#clock.after(answerTime, done)
      this.#waiting.add(waiting)
    })
  }

  answered(opening: string): void {
    for (const { missing, done } of [...this.#waiting]) {
      if (missing.delete(opening) && missing.size === 0) done()
    }
  }

  giveUp(): void {
    for (const { done } of [...this.#waiting]) done()
  }
}
