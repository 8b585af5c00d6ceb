import type { Writer } from '../database/database.ts'
import { classify, isTimeout } from '../database/failures.ts'
import { type Attempt, tryOnce } from './attempt.ts'
import type { Availability } from './availability.ts'
import type { Entry, Portion } from './commit.ts'
import type { Lanes } from './lanes.ts'
import type { JournalLine, Place } from './line.ts'
import { patience } from './patience.ts'
import { backoff, type Pauses } from './pauses.ts'

/** Entries of one document that are in the journal now, the last of them at `head`. */
export interface Committed {
  line: JournalLine
  entries: Entry[]
  head: Place
}

export interface TogetherParts {
  writer: Writer
  pauses: Pauses
  availability: Availability
  lanes: Lanes
  settle(committed: readonly Committed[], seconds: number): void
}

const longestRetryMs = 1_000

/** Commits the edits of many documents in one transaction, and sends those apart that would hold the others up. */
export class Together {
  readonly #parts: TogetherParts
  #closed = false

  constructor(parts: TogetherParts) {
    this.#parts = parts
  }

  close(): void {
    this.#closed = true
  }

  /** Commits the portions of many documents, until each is committed or has gone its own way (R6.2, R6.18). */
  async commit(batch: Portion[], isSuspect = false): Promise<void> {
    for (let attempt = 1; !this.#closed; attempt++) {
      await this.#parts.availability.whenAnswering()
      const portions = batch.filter(({ line }) => line.failure === null)
      if (portions.length === 0 || this.#closed) return
      const result = await this.#tryFor(portions, attempt)
      if (result === 'beside') return
      if (result.kind === 'answered') {
        this.#conclude(portions, result)
        return
      }
      const failure = classify(result.cause)
      if (failure === 'conflict' && attempt <= 3) {
        await this.#parts.pauses.pause(backoff(attempt, longestRetryMs))
        continue
      }
      const isAway =
        failure === 'transient' &&
        !(await this.#parts.availability.isAnswering(patience.probeMs, result.cause, attempt))
      if (isAway) continue
      // The database is there, and does not take this batch. One more time, if it can be had at once …
      if (failure === 'transient' && !isTimeout(result.cause) && !isSuspect && attempt === 1) continue
      // … and then whoever is at fault is found by halving, or at once when each try takes long.
      if (portions.length === 1 || isTimeout(result.cause)) {
        for (const portion of portions) {
          const known = portions.length === 1 ? { attempt: Promise.resolve(result) } : {}
          this.#parts.lanes.open(portion.line, portion, known)
        }
      } else {
        const middle = portions.length >> 1
        await this.commit(portions.slice(0, middle), true)
        await this.commit(portions.slice(middle), true)
      }
      return
    }
  }

  /**
   * One try. When it takes long and the database answers others meanwhile, its documents wait for it by themselves, and
   * those who come after them go on.
   */
  async #tryFor(portions: Portion[], attempt: number): Promise<Attempt | 'beside'> {
    const trying = tryOnce(this.#parts.writer, portions)
    const first = await this.#parts.pauses.within(patience.besideMs, trying, null)
    if (first !== null) return first
    const tooLong = new Error(`a commit takes over ${patience.slowMs} ms`)
    const isOver = trying.then(() => true)
    const answering = this.#parts.availability
      .isAnswering(patience.probeMs, tooLong, attempt)
      .then(() => this.#parts.availability.whenAnswering())
      .then(() => false)
    if (await Promise.race([isOver, answering])) return await trying
    const isShared = portions.length > 1
    for (const portion of portions) this.#parts.lanes.open(portion.line, portion, { attempt: trying, isShared })
    return 'beside'
  }

  #conclude(portions: Portion[], attempt: Extract<Attempt, { kind: 'answered' }>): void {
    const committed: Committed[] = []
    for (const portion of portions) {
      const verdict = attempt.verdicts.get(portion)
      if (verdict?.kind === 'committed' && verdict.count === portion.entries.length) {
        committed.push({ line: portion.line, entries: portion.entries, head: verdict.head })
      } else {
        this.#parts.lanes.open(portion.line, portion, { attempt: Promise.resolve(attempt) })
      }
    }
    if (committed.length > 0) this.#parts.settle(committed, attempt.seconds)
  }
}
