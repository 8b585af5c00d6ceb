/**
 * A typed emitter. A listener that throws does not keep the others from hearing (R6): its error goes to `onListenerError`.
 * Adding the same listener twice is one listener; removing one that is not there is harmless; one that was removed hears
 * nothing more. What listeners emit in turn is told afterwards, so that everybody hears everything in the same order.
 */
export class Emitter<Events extends { [name in keyof Events]: unknown }> {
  readonly #listeners = new Map<keyof Events, Set<(payload: never) => void>>()
  readonly #onListenerError: (error: unknown, name: keyof Events) => void
  readonly #due: (() => void)[] = []
  #isHeld = false

  constructor(onListenerError: (error: unknown, name: keyof Events) => void = reportLater) {
    this.#onListenerError = onListenerError
  }

  /** @returns a function that removes the listener */
  on<Name extends keyof Events>(name: Name, listener: (payload: Events[Name]) => void): () => void {
    let listeners = this.#listeners.get(name)
    if (!listeners) this.#listeners.set(name, (listeners = new Set()))
    listeners.add(listener)
    return () => this.off(name, listener)
  }

  off<Name extends keyof Events>(name: Name, listener: (payload: Events[Name]) => void): void {
    this.#listeners.get(name)?.delete(listener)
  }

  /** Told when what is being told is told, and at the end of {@link together}: each event once, in order. */
  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    this.together(() => this.#due.push(() => this.#tell(name, payload)))
  }

  /**
   * Nobody hears anything before the work is done: what listeners do then (write, flush, close) meets no half-done step,
   * and what it leads to is told after what led to it.
   */
  together<Result>(work: () => Result): Result {
    if (this.#isHeld) return work()
    this.#isHeld = true
    try {
      return work()
    } finally {
      for (let tell = this.#due.shift(); tell; tell = this.#due.shift()) tell()
      this.#isHeld = false
    }
  }

  clear(): void {
    this.#listeners.clear()
  }

  #tell<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    const listeners = this.#listeners.get(name)
    for (const listener of [...(listeners ?? [])]) {
      if (!listeners?.has(listener)) continue
      try {
        ;(listener as (payload: Events[Name]) => void)(payload)
      } catch (error) {
        this.#onListenerError(error, name)
      }
    }
  }
}

/** An app's broken listener shows up in the app's own error reporting, as if nobody had been between. */
export function reportLater(error: unknown): void {
  setTimeout(() => {
    throw error
  })
}
