/** What a listener gets: as much of an `Event` as those who listen to IndexedDB use. */
export interface Happened {
  readonly type: string
  readonly target: unknown
  preventDefault(): void
}

type Listener = (event: Happened) => void

/** An event target with `on…` properties, as IndexedDB's objects are. */
export class Target {
  readonly #listeners = new Map<string, Set<Listener>>()

  addEventListener(type: string, listener: Listener): void {
    let listeners = this.#listeners.get(type)
    if (!listeners) this.#listeners.set(type, (listeners = new Set()))
    listeners.add(listener)
  }

  removeEventListener(type: string, listener: Listener): void {
    this.#listeners.get(type)?.delete(listener)
  }

  /** @returns whether somebody has prevented what follows by default */
  dispatch(type: string): boolean {
    let isPrevented = false
    const event: Happened = {
      type,
      target: this,
      preventDefault() {
        isPrevented = true
      },
    }
    const property = (this as unknown as Record<string, unknown>)[`on${type}`]
    if (typeof property === 'function') property.call(this, event)
    for (const listener of [...(this.#listeners.get(type) ?? [])]) listener(event)
    return isPrevented
  }
}
