import type { Locks } from './world.ts'

export interface ElectionEvents {
  /** This tab leads from now on. */
  won(): void
  /** It does not any more: another one took over, or it resigned. */
  lost(): void
}

/** Who leads: whoever holds a Web Lock. The others stand in its queue, so a leader that dies is followed at once. */
export class Election {
  readonly #name: string
  readonly #locks: Locks
  readonly #events: ElectionEvents
  /** The candidacy, or the term, that is under way. */
  #current: { readonly withdraw: () => void; isLeader: boolean } | null = null
  #isCandidate = false

  constructor(name: string, locks: Locks, events: ElectionEvents) {
    this.#name = name
    this.#locks = locks
    this.#events = events
  }

  get isLeader(): boolean {
    return this.#current?.isLeader ?? false
  }

  /** @returns settles when it is known whether this tab leads now; it goes on standing if not */
  async stand(): Promise<void> {
    this.#isCandidate = true
    if (this.#current) return
    await this.#request({ ifAvailable: true })
    if (this.#isCandidate && !this.#current) void this.#request({})
  }

  /** Takes over from a leader that has agreed, or that does not answer. */
  takeOver(): void {
    if (this.isLeader || !this.#isCandidate) return
    this.#current?.withdraw()
    this.#current = null
    void this.#request({ steal: true })
  }

  /** Leads no more, and keeps the place until the one who was named takes over: nobody else must come in between. */
  makeWay(): void {
    if (!this.#current?.isLeader) return
    this.#current.isLeader = false
    this.#events.lost()
  }

  /** Does not lead and does not stand: the next in the queue leads. */
  withdraw(): void {
    this.#isCandidate = false
    const current = this.#current
    this.#current = null
    if (!current) return
    if (current.isLeader) this.#events.lost()
    current.withdraw()
  }

  #request(how: { readonly ifAvailable?: true; readonly steal?: true }): Promise<void> {
    const abort = new AbortController()
    const held = Promise.withResolvers<void>()
    const answered = Promise.withResolvers<void>()
    const withdraw = () => {
      abort.abort()
      held.resolve()
    }
    const candidacy = { withdraw, isLeader: false }
    this.#current = candidacy
    // the API forbids a signal together with either of these
    const options = how.ifAvailable || how.steal ? how : { signal: abort.signal }
    this.#locks
      .request(this.#name, options, (lock) => {
        if (this.#current !== candidacy) return
        if (!lock) {
          this.#current = null
          answered.resolve()
          return
        }
        candidacy.isLeader = true
        this.#events.won()
        answered.resolve()
        return held.promise
      })
      .catch((cause: unknown) => {
        if (this.#current !== candidacy) return
        if ((cause as Partial<Error> | null)?.name !== 'AbortError') {
          // the page may not use locks: it leads itself, as where there are none (D1.8)
          candidacy.isLeader = true
          this.#events.won()
          return
        }
        // somebody took over
        this.#current = null
        if (candidacy.isLeader) this.#events.lost()
        if (this.#isCandidate) void this.stand()
      })
      .finally(() => answered.resolve())
    return answered.promise
  }
}
