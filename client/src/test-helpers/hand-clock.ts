import type { Clock } from '@tidemark/shared'

/** A clock that stands still until the test moves it. */
export class HandClock implements Clock {
  #now: number
  #timers: { readonly at: number; readonly callback: () => void }[] = []

  constructor(now = 1_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  random(): number {
    return 0.5
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { at: this.#now + delay, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Timers that nobody has cancelled. */
  get pending(): number {
    return this.#timers.length
  }

  /** The device sleeps: afterwards what was due meanwhile runs late, all at once. */
  sleep(duration: number): void {
    this.#now += duration
    const due = this.#timers.filter(({ at }) => at <= this.#now)
    this.#timers = this.#timers.filter(({ at }) => at > this.#now)
    for (const { callback } of due) callback()
  }

  advance(duration: number): void {
    const end = this.#now + duration
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#now = next.at
      next.callback()
    }
    this.#now = end
  }
}
