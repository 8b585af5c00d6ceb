interface Timer {
  readonly at: number
  readonly order: number
  callback: (() => void) | null
}

/**
 * The time of a simulated world: it stands still until it is moved, and moves from timer to timer. Between two timers
 * everything that promises have to do is done, as in a browser's event loop.
 */
export class Timeline {
  #time = 0
  #count = 0
  /** A heap: the next one first. */
  readonly #timers: Timer[] = []

  /** ms since the world began. It never jumps. */
  get time(): number {
    return this.#time
  }

  /** The time of the next timer; null when there is none. */
  get next(): number | null {
    this.#skipCancelled()
    return this.#timers[0]?.at ?? null
  }

  /** How many of the world's own effects are under way: messages, answers, transactions; not timers. */
  underWay = 0

  /** @returns a function that cancels */
  after(delay: number, callback: () => void): () => void {
    return this.#at(this.#time + Math.max(0, delay || 0), callback)
  }

  /** What will happen whether or not anybody waits for it. */
  effectAt(time: number, callback: () => void): void {
    this.underWay++
    this.#at(Math.max(this.#time, time), () => {
      this.underWay--
      callback()
    })
  }

  #at(at: number, callback: () => void): () => void {
    const timer: Timer = { at, order: this.#count++, callback }
    this.#push(timer)
    return () => {
      timer.callback = null
    }
  }

  /** Runs everything that is due until `duration` ms from now, in order. */
  async advance(duration: number): Promise<void> {
    const end = this.#time + duration
    await drain()
    while (await this.step(end));
    this.#time = Math.max(this.#time, end)
  }

  /**
   * Runs the next timer, and what promises do after it.
   * @returns false when none is due until `end`
   */
  async step(end: number): Promise<boolean> {
    const next = this.next
    if (next === null || next > end) return false
    const { at, callback } = this.#pop()
    this.#time = Math.max(this.#time, at)
    callback?.()
    await drain()
    return true
  }

  #skipCancelled(): void {
    while (this.#timers.length > 0 && this.#timers[0]?.callback === null) this.#pop()
  }

  #push(timer: Timer): void {
    const timers = this.#timers
    let index = timers.push(timer) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (isBefore(timers[parent]!, timer)) break
      timers[index] = timers[parent]!
      index = parent
    }
    timers[index] = timer
  }

  #pop(): Timer {
    const timers = this.#timers
    const first = timers[0]!
    const last = timers.pop()!
    if (timers.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= timers.length) break
      if (child + 1 < timers.length && isBefore(timers[child + 1]!, timers[child]!)) child++
      if (isBefore(last, timers[child]!)) break
      timers[index] = timers[child]!
      index = child
    }
    timers[index] = last
    return first
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at === other.at ? one.order < other.order : one.at < other.at
}

type Immediate = (callback: () => void) => void

// Taken before a test runner puts fake timers in their place. One turn of the real event loop lets every chain of
// promises run to its end, however long; a number of awaits would not.
const nextTurn: Immediate = (globalThis as { setImmediate?: Immediate }).setImmediate ?? channelTurn()

/** Waits until promises have nothing left to do. */
export function drain(): Promise<void> {
  return new Promise((resolve) => nextTurn(resolve))
}

/** For browsers: a message to oneself is a turn of the event loop that is not slowed like a timer. */
function channelTurn(): Immediate {
  const { port1, port2 } = new MessageChannel()
  const waiting: (() => void)[] = []
  port1.onmessage = () => waiting.shift()?.()
  return (callback) => {
    waiting.push(callback)
    port2.postMessage(null)
  }
}
