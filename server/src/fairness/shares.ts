import { Share, type ShareLimits } from './share.ts'

/** Who has no socket is remembered for so long, in ms: what is owed is not forgiven by connecting again. */
const rememberedMs = 10 * 60_000
/** How many without a socket are remembered. */
const mostRemembered = 20_000

/** The shares of all addresses, or of all users. */
export class Shares {
  readonly #limits: ShareLimits
  readonly #now: () => number
  readonly #shares = new Map<string, Share>()
  #sweptAt = 0

  /** @param now in ms, of a clock that only goes forward */
  constructor(limits: ShareLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  of(key: string): Share {
    let share = this.#shares.get(key)
    if (!share) {
      this.#sweep()
      share = new Share(this.#limits, this.#now())
      share.leftAt = this.#now()
      this.#shares.set(key, share)
    }
    return share
  }

  get size(): number {
    return this.#shares.size
  }

  #sweep(): void {
    const now = this.#now()
    if (this.#shares.size < mostRemembered && now - this.#sweptAt < rememberedMs / 10) return
    this.#sweptAt = now
    const isFull = this.#shares.size >= mostRemembered
    for (const [key, { sockets, leftAt }] of this.#shares) {
      if (sockets === 0 && (isFull || now - leftAt > rememberedMs)) this.#shares.delete(key)
    }
  }
}
