/** How long a client that is denied again is kept, in ms: it comes back as soon as it is let go. */
const longestWait = 8_000
/** A denial is forgotten after so long, in ms. */
const rememberedMs = 60_000
const mostRemembered = 10_000
/** So many are kept at once; beyond that they are closed, and come back. */
const mostKept = 1_000

/**
 * Who was denied a document, and how often in a row (R6.13): `y-websocket` up to 2.1 does not look at why it was closed, and
 * comes back three times a second with the same token.
 */
export class Denials {
  readonly #now: () => number
  readonly #denied = new Map<string, { count: number; at: number }>()
  #kept = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Somebody is denied once more. @returns how long to keep them, in ms */
  next(who: string): number {
    const now = this.#now()
    const earlier = this.#denied.get(who)
    const count = earlier && now - earlier.at < rememberedMs ? earlier.count + 1 : 0
    // at the end: the one that was denied longest ago goes first
    this.#denied.delete(who)
    this.#denied.set(who, { count, at: now })
    if (this.#denied.size > mostRemembered) for (const [oldest] of this.#denied) return this.#forget(oldest)
    if (count === 0 || this.#kept >= mostKept) return 0
    return Math.min(longestWait, 500 * 2 ** count)
  }

  #forget(oldest: string): number {
    this.#denied.delete(oldest)
    return 0
  }

  keep(): void {
    this.#kept++
  }

  letGo(): void {
    this.#kept--
  }
}
