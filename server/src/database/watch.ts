import type { Clock } from '@tidemark/shared'

/** A statement that waits for its answer. */
export interface Flight {
  /** How long it may go without an answer before anybody asks, in ms. */
  readonly patienceMs: number
  /** Its process on the database's side; null as long as that is not known. */
  backend(): number | null
  /** Bytes that came on its connection. */
  received(): number
  /** Gives its connection up; the statement fails, and whoever sent it tries again on another one. */
  cut(reason: string): void
}

/** @returns which of these processes work on a statement; rejects while the database does not answer */
export type AskWhoWorks = (backends: readonly number[]) => Promise<ReadonlySet<number>>

const lookEveryMs = 500

/**
 * Tells a slow statement from a dead connection. Node cannot limit how long sent bytes stay unacknowledged, and a time limit
 * of ours would also end commits that a busy database is about to finish, and send them a second time. So another
 * connection asks whether the database works on the statement. It is given up when twice in a row the database
 * answers, knows nothing of it, and nothing came in between.
 */
export class Watch {
  readonly #ask: AskWhoWorks
  readonly #clock: Clock
  readonly #flights = new Map<Flight, { since: number; receivedAtLastLook: number | null }>()
  #cancelLook: (() => void) | null = null
  #looking = false
  #closed = false

  constructor(ask: AskWhoWorks, clock: Clock) {
    this.#ask = ask
    this.#clock = clock
  }

  /** Watches a flight. @returns what ends that */
  begin(flight: Flight): () => void {
    this.#flights.set(flight, { since: performance.now(), receivedAtLastLook: null })
    this.#schedule()
    return () => {
      this.#flights.delete(flight)
      if (this.#flights.size === 0) this.#unschedule()
    }
  }

  /** Gives up whatever still waits. */
  close(): void {
    this.#closed = true
    this.#unschedule()
    for (const flight of this.#flights.keys()) flight.cut('the database is closed')
  }

  #schedule(): void {
    if (this.#closed || this.#looking || this.#cancelLook || this.#flights.size === 0) return
    this.#cancelLook = this.#clock.after(lookEveryMs, () => {
      this.#cancelLook = null
      void this.#look()
    })
  }

  #unschedule(): void {
    this.#cancelLook?.()
    this.#cancelLook = null
  }

  async #look(): Promise<void> {
    this.#looking = true
    const now = performance.now()
    const due = [...this.#flights].filter(([{ patienceMs }, { since }]) => now - since > patienceMs)
    try {
      if (due.length > 0) {
        const backends = due.map(([flight]) => flight.backend()).filter((backend) => backend !== null)
        const working = await this.#ask(backends)
        for (const [flight, state] of due) if (this.#flights.has(flight)) this.#judge(flight, state, working)
      }
    } catch {
      // nothing answers: the statement may be at work or not, and nothing is gained by sending it again now
    } finally {
      this.#looking = false
      this.#schedule()
    }
  }

  #judge(flight: Flight, state: { receivedAtLastLook: number | null }, working: ReadonlySet<number>): void {
    const backend = flight.backend()
    if (backend !== null && working.has(backend)) {
      state.receivedAtLastLook = null
      return
    }
    const received = flight.received()
    if (state.receivedAtLastLook === received) {
      this.#flights.delete(flight)
      flight.cut('the database answers elsewhere and knows nothing of this statement')
    } else {
      state.receivedAtLastLook = received
    }
  }
}
