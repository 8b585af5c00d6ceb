import type { Locks } from './world.ts'

/**
 * Who of this device has the document open. Each opening holds a lock of its own for as long as it lives, so the one
 * that leads learns at once of a tab that crashed: it is given that tab's lock (D1.6).
 */
export class Roster {
  readonly #prefix: string
  readonly #locks: Locks
  readonly #own: string
  readonly #onGone: (client: number, opening: string) => void
  readonly #clients = new Map<string, number>()
  readonly #gone = new Set<string>()
  #leave: (() => void) | null = null
  #watching: AbortController | null = null

  constructor(name: string, locks: Locks, own: string, onGone: (client: number, opening: string) => void) {
    this.#prefix = `${name}:tab:`
    this.#locks = locks
    this.#own = own
    this.#onGone = onGone
  }

  get clients(): ReadonlySet<number> {
    return new Set(this.#clients.values())
  }

  has(opening: string): boolean {
    return this.#clients.has(opening)
  }

  /** It was there, and is no more; a word of it may still be on its way. */
  isGone(opening: string): boolean {
    return this.#gone.has(opening)
  }

  enter(): void {
    if (this.#leave) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#leave = resolve
    this.#locks.request(this.#prefix + this.#own, {}, () => promise).catch(() => {})
  }

  leave(): void {
    this.unwatch()
    this.#leave?.()
    this.#leave = null
  }

  add(opening: string, client: number): void {
    const isNew = !this.#clients.has(opening)
    this.#clients.set(opening, client)
    this.#gone.delete(opening)
    if (isNew && this.#watching) this.#watch(opening, this.#watching)
  }

  /** It said goodbye. */
  remove(opening: string): void {
    const client = this.#clients.get(opening)
    this.#clients.delete(opening)
    this.#gone.add(opening)
    if (client !== undefined && this.#watching) this.#onGone(client, opening)
  }

  /** The openings that are there, frozen ones included. */
  async others(): Promise<string[]> {
    const { held = [] } = await this.#locks.query()
    return held.flatMap(({ name = '' }) =>
      name.startsWith(this.#prefix) && name !== this.#prefix + this.#own ? [name.slice(this.#prefix.length)] : [],
    )
  }

  watch(): void {
    this.#watching = new AbortController()
    for (const opening of this.#clients.keys()) this.#watch(opening, this.#watching)
  }

  unwatch(): void {
    this.#watching?.abort()
    this.#watching = null
  }

  #watch(opening: string, watching: AbortController): void {
    const { signal } = watching
    this.#locks
      .request(this.#prefix + opening, { signal }, () => {
        if (!signal.aborted) this.remove(opening)
      })
      // no longer watched
      .catch(() => {})
  }
}
