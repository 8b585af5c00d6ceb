/** How much of one turn of the event loop goes to what came in, in ms. */
const longestMs = 10
/**
 * What one participant may have done at once in a turn; and all who wait together: what is done later for it, in promises,
 * is not seen by the clock.
 */
const most = { ofOne: 32, ofWaiting: 64 }
/** What somebody took counts half after so long, in ms. */
const halfLifeMs = 1_000

/** Somebody whose requests are done in their order: a socket, or an address. */
export class Participant {
  readonly waiting: (() => void)[] = []
  /** In which turn it was last, and how much was done for it then. */
  turn = -1
  done = 0
  readonly #waits: (isWaiting: boolean) => void
  #taken = 0
  #takenAt = 0

  /** @param waits called when something of it begins to wait, and when nothing waits any more */
  constructor(waits: (isWaiting: boolean) => void = () => {}) {
    this.#waits = waits
  }

  waits(isWaiting: boolean): void {
    this.#waits(isWaiting)
  }

  /** How much of the server's time it took lately, in ms. */
  taken(now: number): number {
    return this.#taken * 0.5 ** ((now - this.#takenAt) / halfLifeMs)
  }

  take(ms: number, now: number): void {
    this.#taken = this.taken(now) + ms
    this.#takenAt = now
  }
}

/**
 * What came in at once is done in several turns of the event loop (R6.41), so that thousands of frames or requests of
 * some leave the others their turn. Of those who wait, whoever took least of the server lately comes first.
 */
export class Turns {
  readonly #now: () => number
  readonly #waiting = new Set<Participant>()
  #turn = 0
  #began = 0
  #isScheduled = false

  /** @param now in ms, of a clock that only goes forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Does it now, or in its turn. */
  enter(participant: Participant, work: () => void): void {
    const now = this.#now()
    if (participant.waiting.length === 0 && this.#isItsTurn(participant, now)) {
      this.#do(participant, work, now)
      return
    }
    if (participant.waiting.push(work) > 1) return
    this.#waiting.add(participant)
    participant.waits(true)
  }

  #isItsTurn(participant: Participant, now: number): boolean {
    if (!this.#isScheduled) {
      this.#began = now
      this.#schedule()
    }
    if (participant.turn !== this.#turn) {
      participant.turn = this.#turn
      participant.done = 0
    }
    return now - this.#began < longestMs && participant.done < most.ofOne
  }

  #schedule(): void {
    this.#isScheduled = true
    setImmediate(() => this.#next())
  }

  #do(participant: Participant, work: () => void, began: number): void {
    participant.done++
    try {
      work()
    } finally {
      const now = this.#now()
      participant.take(now - began, now)
    }
  }

  /** The next turn begins. */
  #next(): void {
    this.#isScheduled = false
    this.#turn++
    if (this.#waiting.size === 0) return
    this.#began = this.#now()
    this.#schedule()
    for (let done = 0; done < most.ofWaiting; done++) {
      const now = this.#now()
      const participant = this.#whoTookLeast(now)
      if (!participant || now - this.#began >= longestMs) return
      const work = participant.waiting.shift() as () => void
      if (participant.waiting.length === 0) {
        this.#waiting.delete(participant)
        participant.waits(false)
      }
      this.#do(participant, work, now)
    }
  }

  #whoTookLeast(now: number): Participant | null {
    let first: Participant | null = null
    let least = Number.POSITIVE_INFINITY
    for (const participant of this.#waiting) {
      const taken = participant.taken(now)
      if (taken >= least) continue
      first = participant
      least = taken
    }
    return first
  }
}
