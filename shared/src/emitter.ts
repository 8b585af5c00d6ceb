/**
 * A typed emitter. A listener that throws does not keep the others from hearing (R6): its error goes to `onListenerError`.
 * Adding the same listener twice is one listener; removing one that is not there is harmless.
 */
export class Emitter<Events extends { [name in keyof Events]: unknown }> {
  readonly #listeners = new Map<keyof Events, Set<(payload: never) => void>>()
  readonly #onListenerError: (error: unknown) => void

  constructor(onListenerError: (error: unknown) => void = reportLater) {
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

  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        ;(listener as (payload: Events[Name]) => void)(payload)
      } catch (error) {
        this.#onListenerError(error)
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}

// An app's broken listener should show up in its own error reporting, not vanish here.
function reportLater(error: unknown): void {
  setTimeout(() => {
    throw error
  })
}
