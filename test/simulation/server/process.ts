import { AsyncLocalStorage } from 'node:async_hooks'
import type { Timeline } from '../../../client/src/testing/timeline.ts'

/**
 * A server's process in simulated time: what runs in it sees the world's clock, and its timers are the world's. Hocuspocus
 * and Yjs use the global functions, so these ask in whose process they were called; outside of one they are the real ones.
 */
export class SimulatedProcess {
  readonly #timeline: Timeline
  readonly #wallClock: () => number
  readonly #timers = new Set<Timer>()
  /** What went to the console: no failure is only logged there (R5). */
  readonly printed: string[] = []
  isAlive = true

  constructor(timeline: Timeline, wallClock: () => number) {
    this.#timeline = timeline
    this.#wallClock = wallClock
  }

  run<Result>(act: () => Result): Result {
    return running.run(this, act)
  }

  /** What waits in this process, as far as it can be told from the code that waits. */
  get timers(): string[] {
    return [...this.#timers].map(({ description }) => description)
  }

  /** No goodbye: nothing that waits is ever called. */
  kill(): void {
    this.isAlive = false
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  now(): number {
    return this.#wallClock()
  }

  monotonic(): number {
    return this.#timeline.time
  }

  set(callback: () => void, delay: number, kind: 'once' | 'repeated', code: unknown): Timer {
    const timer = new Timer(this.#timers, code)
    const begin = (): void => {
      timer.cancelled = this.#timeline.after(delay, () => {
        if (kind === 'once') this.#timers.delete(timer)
        else begin()
        this.run(callback)
      })
    }
    if (this.isAlive) {
      this.#timers.add(timer)
      begin()
    }
    return timer
  }
}

const running = new AsyncLocalStorage<SimulatedProcess>()

/** What `setTimeout` answers, as far as anybody asks of it. */
class Timer {
  readonly #code: unknown
  readonly #all: Set<Timer>
  cancelled = (): void => {}

  constructor(all: Set<Timer>, code: unknown) {
    this.#all = all
    this.#code = code
  }

  get description(): string {
    return String(this.#code).slice(0, 200)
  }

  cancel(): void {
    this.cancelled()
    this.#all.delete(this)
  }

  ref = () => this
  unref = () => this
}

/** Node's own rule: what is no time, or beyond 24.8 days, is at once. */
const delayOf = (delay: unknown): number => {
  const ms = Number(delay)
  return ms >= 1 && ms <= 2 ** 31 - 1 ? Math.trunc(ms) : 1
}

type Callback = (...values: unknown[]) => void

function begun(kind: 'once' | 'repeated', real: (callback: Callback, delay?: number, ...values: unknown[]) => unknown) {
  return (callback: Callback, delay?: number, ...values: unknown[]): unknown => {
    const process = running.getStore()
    return process
      ? process.set(() => callback(...values), delayOf(delay), kind, callback)
      : real(callback, delay, ...values)
  }
}

function cancelled(real: (timer?: never) => void) {
  return (timer: unknown): void => {
    if (timer instanceof Timer) timer.cancel()
    else real(timer as never)
  }
}

function printed(real: (...values: unknown[]) => void) {
  return (...values: unknown[]): void => {
    const process = running.getStore()
    if (process) process.printed.push(values.map((value) => (value instanceof Error ? value.stack : value)).join(' '))
    else real(...values)
  }
}

const real = { setImmediate, dateNow: Date.now, now: performance.now.bind(performance) }

Object.assign(globalThis, {
  setTimeout: begun('once', setTimeout as never),
  setInterval: begun('repeated', setInterval as never),
  setImmediate: (callback: Callback, ...values: unknown[]) => {
    const process = running.getStore()
    return process
      ? process.set(() => callback(...values), 0, 'once', callback)
      : real.setImmediate(callback, ...values)
  },
  clearTimeout: cancelled(clearTimeout),
  clearInterval: cancelled(clearInterval),
  clearImmediate: cancelled(clearImmediate),
})
Object.assign(console, { error: printed(console.error), warn: printed(console.warn), log: printed(console.log) })
Date.now = () => running.getStore()?.now() ?? real.dateNow()
performance.now = () => running.getStore()?.monotonic() ?? real.now()
