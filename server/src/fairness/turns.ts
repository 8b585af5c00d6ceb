import type { Pace } from '@tidemark/shared'

/** How much of one turn of the event loop goes to what came in, in ms. */
const longestMs = 10
/**
 * What one participant may have done at once as it comes in: what is done later for it, in promises, is not seen by the
 * clock before the next comes. And all who wait together.
 */
const most = { ofOne: 8, ofWaiting: 128 }
/** What somebody took counts half after so long, in ms. */
const halfLifeMs = 1_000

/** Somebody whose requests are done in their order: a socket, or an address; or some long work. */
export class Participant {
  readonly waiting: (() => void)[] = []
  /** When its turn should come, while something waits; in ms. */
  due = 0
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
 * some leave the others their turn. Who waits comes later by as much as they took of the server lately, and no later: many
 * who took nothing do not shut out one who did.
 */
export class Turns {
  readonly #now: () => number
  readonly #waiting = new Set<Participant>()
  #turn = 0
  #began = 0
  #isScheduled = false
  #left = 0

  /** @param now in ms, of a clock that only goes forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Does it now, or in its turn. */
  enter(participant: Participant, work: () => void): void {
    const now = this.#now()
    if (participant.waiting.length === 0 && this.#isItsTurn(participant, now)) this.#do(participant, work, now)
    else this.#wait(participant, work)
  }

  /** For long work, which is done as far as there is time, and takes its turns among the others. */
  pace(participant = new Participant()): Pace {
    return {
      isOver: () => this.#isOver(this.#now()),
      rest: () => new Promise((resume) => this.#wait(participant, resume)),
    }
  }

  #wait(participant: Participant, work: () => void): void {
    if (!this.#isScheduled) this.#schedule()
    if (participant.waiting.push(work) > 1) return
    this.#lineUp(participant, this.#now())
    participant.waits(true)
  }

  #lineUp(participant: Participant, now: number): void {
    participant.due = now + participant.taken(now)
    this.#waiting.add(participant)
  }

  #isItsTurn(participant: Participant, now: number): boolean {
    if (this.#isOver(now)) return false
    if (participant.turn !== this.#turn) {
      participant.turn = this.#turn
      participant.done = 0
    }
    return participant.done < most.ofOne
  }

  /** The first who asks in a turn begins it. */
  #isOver(now: number): boolean {
    if (!this.#isScheduled) {
      this.#began = now
      this.#schedule()
    }
    return now - this.#began >= longestMs
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

  /** The next turn begins: those who wait come first, whatever has come in since. */
  #next(): void {
    this.#isScheduled = false
    this.#turn++
    if (this.#waiting.size === 0) return
    this.#began = this.#now()
    this.#schedule()
    this.#left = most.ofWaiting
    this.#doWaiting()
  }

  #doWaiting(): void {
    const began = this.#now()
    const participant = this.#left-- > 0 && !this.#isOver(began) ? this.#whoIsDue() : null
    if (!participant) return
    const work = participant.waiting.shift() as () => void
    this.#waiting.delete(participant)
    if (participant.waiting.length > 0) this.#lineUp(participant, began)
    else participant.waits(false)
    // what it does in promises is done by then, and counts
    const whenDone = () => {
      const now = this.#now()
      participant.take(now - began, now)
      this.#doWaiting()
    }
    queueMicrotask(() => process.nextTick(whenDone))
    work()
  }

  #whoIsDue(): Participant | null {
    let first: Participant | null = null
    for (const participant of this.#waiting) if (!first || participant.due < first.due) first = participant
    return first
  }
}

/** This process has one event loop, whoever uses it. */
export const eventLoop = new Turns()
