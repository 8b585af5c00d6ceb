import { type Clock, type ErrorCode, TidemarkError } from '@tidemark/shared'
import type { Writer } from '../database/database.ts'
import { classify, speaksOfDatabase } from '../database/failures.ts'
import { type Attempt, tryOnce } from './attempt.ts'
import type { Availability } from './availability.ts'
import { batchEnd, bytesOf, type Entry, type Portion, portionOf } from './commit.ts'
import type { JournalLine, Place } from './line.ts'
import { patience } from './patience.ts'
import { backoff, type Pauses } from './pauses.ts'
import { Slots } from './slots.ts'

/** What the database lacks of a document after it was set back, and where it stands now (R7.14). */
export interface Repair {
  head: Place
  /** Null when it lacks nothing. */
  update: Uint8Array | null
}

export interface LanesParts {
  writer: Writer
  clock: Clock
  pauses: Pauses
  availability: Availability
  /** @throws {TidemarkError} `epoch-mismatch` when another history stands in the document's place */
  repair(line: JournalLine): Promise<Repair>
  settle(line: JournalLine, committed: Entry[], head: Place, seconds: number): void
  fail(line: JournalLine, code: ErrorCode, cause: unknown): void
  /** Nothing of the document waits by itself any more. */
  ended(line: JournalLine): void
  /** What waits of the document among the others, and is the lane's from now on. */
  claim(line: JournalLine): Entry[]
  /** All that waits of the document is in one try. */
  triedWhole(line: JournalLine): void
  /** Nothing is apart any more. */
  emptied(): void
}

/** One document whose edits go their own way into the journal, until nothing of it waits. */
interface Lane {
  readonly line: JournalLine
  readonly since: number
  /** What is being tried; it stays as it is until all of it is decided. */
  portion: Portion | null
  /** The try under way that the lane took over; when it failed and was shared, whoever is at fault is still to be found. */
  pending: { attempt: Promise<Attempt>; isShared: boolean } | null
  readonly waiting: Entry[]
  /** The database lacks what it acknowledged: that is mended before anything else is stored. */
  isRewound: boolean
  /** A try of its own took long: it waits with its like, and has the time it needs. */
  isSlow: boolean
  failures: number
  /** How often in a row somebody else was in the way, or had been quicker. */
  misses: number
  pauseMs: number
  cause: unknown
}

/** What somebody else's commit takes, and the longest between two looks at a row that is held. */
const heldPause = { first: 4, longest: 250 }
const longestRetryMs = 2_000

/**
 * The documents that would hold the others up (R6.18): too large for a batch, locked by somebody, refused by the database or
 * set back. Each is committed by itself, beside the writer of all others, as often as it takes (R3.3).
 */
export class Lanes {
  readonly #parts: LanesParts
  readonly #lanes = new Map<JournalLine, Lane>()
  // each has a connection (database/postgres.ts), and those that take long never take the place of the others
  readonly #quick = new Slots(2)
  readonly #large = new Slots(1)
  readonly #slow = new Slots(1)
  #lastCommit: { line: JournalLine | null; at: number } = { line: null, at: Number.NEGATIVE_INFINITY }
  #closed = false

  constructor(parts: LanesParts) {
    this.#parts = parts
  }

  has(line: JournalLine): boolean {
    return this.#lanes.has(line)
  }

  get size(): number {
    return this.#lanes.size
  }

  /** What of a document's edits is not stored. */
  waitingOf(line: JournalLine): Entry[] {
    const lane = this.#lanes.get(line)
    return lane ? [...(lane.portion?.entries ?? []), ...lane.waiting] : []
  }

  /** What is in the way of a document, as far as it was found out. */
  causeOf(line: JournalLine): unknown {
    return this.#lanes.get(line)?.cause ?? null
  }

  /** Queues an entry behind the others of its document, which has a lane. */
  push(entry: Entry): void {
    this.#lanes.get(entry.line)?.waiting.push(entry)
  }

  /** Takes a portion over, with what the last try said of it; or a document of which only the standing is to be mended. */
  open(
    line: JournalLine,
    portion: Portion | null,
    known: { attempt?: Promise<Attempt>; isShared?: boolean; isRewound?: boolean } = {},
  ): void {
    const existing = this.#lanes.get(line)
    if (this.#closed) return
    if (existing) {
      if (known.isRewound) markRewound(existing)
      return
    }
    const lane: Lane = {
      line,
      since: this.#parts.clock.now(),
      portion,
      pending: known.attempt ? { attempt: known.attempt, isShared: known.isShared ?? false } : null,
      // what comes from now on goes behind it: an ack counts on the order
      waiting: this.#parts.claim(line),
      isRewound: false,
      isSlow: false,
      failures: 0,
      misses: 0,
      pauseMs: 0,
      cause: null,
    }
    if (known.isRewound) markRewound(lane)
    this.#lanes.set(line, lane)
    void this.#serve(lane)
  }

  /** Something of a document was committed beside the lanes. */
  committed(line: JournalLine): void {
    this.#lastCommit = { line, at: this.#parts.clock.now() }
  }

  close(): void {
    this.#closed = true
  }

  async #serve(lane: Lane): Promise<void> {
    while (!this.#closed && this.#hasWork(lane)) {
      await this.#parts.availability.whenAnswering()
      if (lane.pauseMs > 0) await this.#parts.pauses.pause(lane.pauseMs)
      if (this.#closed) return
      lane.pauseMs = 0
      const isShared = lane.pending?.isShared ?? false
      const attempt = await this.#attempt(lane)
      if (isShared && attempt.kind === 'failed') await this.#judgeShared(lane, attempt.cause)
      else await this.#judge(lane, attempt)
    }
    if (this.#closed) return
    this.#lanes.delete(lane.line)
    this.#parts.ended(lane.line)
    if (this.#lanes.size === 0) this.#parts.emptied()
  }

  #hasWork(lane: Lane): boolean {
    return lane.line.failure === null && (lane.isRewound || lane.portion !== null || lane.waiting.length > 0)
  }

  async #attempt(lane: Lane): Promise<Attempt> {
    const { pending } = lane
    lane.pending = null
    if (pending) return await pending.attempt
    const isLarge = bytesOf(lane.portion?.entries ?? lane.waiting) >= patience.largePortionBytes
    const pace = isLarge || lane.isSlow ? 'patient' : 'brief'
    const slots = lane.isSlow ? this.#slow : isLarge ? this.#large : this.#quick
    return await slots.hold(async () => {
      const began = this.#parts.clock.now()
      try {
        if (lane.isRewound) await this.#repair(lane)
      } catch (cause) {
        return { kind: 'failed', cause }
      }
      lane.portion ??= this.#portionOf(lane)
      if (lane.portion.entries.length === 0) return { kind: 'answered', verdicts: new Map(), seconds: 0 }
      const joining = lane.misses > 2 && lane.portion.triedFrom === null
      const attempt = await tryOnce(this.#parts.writer, [lane.portion], { joining, pace })
      lane.isSlow ||= this.#parts.clock.now() - began > patience.slowMs
      return attempt
    })
  }

  #portionOf({ line, waiting }: Lane): Portion {
    const portion = portionOf(line, waiting.splice(0, batchEnd(waiting, 0, patience.batch)))
    if (waiting.length === 0) this.#parts.triedWhole(line)
    return portion
  }

  async #repair(lane: Lane): Promise<void> {
    const { head, update } = await this.#parts.repair(lane.line)
    lane.line.rewound(head)
    lane.isRewound = false
    const entries = lane.portion?.entries.filter(({ isRepair }) => !isRepair) ?? []
    if (update) entries.unshift({ line: lane.line, update, author: null, isRepair: true })
    lane.portion = entries.length > 0 ? portionOf(lane.line, entries) : null
  }

  async #judge(lane: Lane, attempt: Attempt): Promise<void> {
    const { line, portion } = lane
    if (attempt.kind === 'failed') {
      await this.#judgeFailure(lane, attempt.cause)
      return
    }
    const verdict = portion && attempt.verdicts.get(portion)
    if (!portion || !verdict) {
      lane.portion = null
      return
    }
    switch (verdict.kind) {
      case 'committed':
        this.#parts.settle(line, portion.entries.splice(0, verdict.count), verdict.head, attempt.seconds)
        if (portion.entries.length === 0) lane.portion = null
        lane.failures = 0
        lane.misses = 0
        break
      case 'held':
        lane.cause = new Error("somebody holds the lock on the document's row")
        lane.pauseMs = Math.min(heldPause.first * 2 ** Math.min(lane.misses, 20), heldPause.longest)
        lane.misses += 1
        break
      case 'ahead':
        lane.misses += 1
        break
      case 'rewound':
        markRewound(lane)
        break
      case 'gone':
        this.#parts.fail(
          line,
          'epoch-mismatch',
          new Error('the document was purged or given a new epoch while it was open'),
        )
        break
      default:
        verdict satisfies never
    }
  }

  /** What the batch met was not this document's fault, as far as is known: it has its first try by itself before it. */
  async #judgeShared(lane: Lane, cause: unknown): Promise<void> {
    lane.cause = cause
    if (classify(cause) === 'transient') await this.#parts.availability.isAnswering(patience.probeMs, cause, 1)
  }

  async #judgeFailure(lane: Lane, cause: unknown): Promise<void> {
    const { availability } = this.#parts
    lane.failures += 1
    lane.cause = cause
    lane.pauseMs = backoff(lane.failures, longestRetryMs)
    const failure = classify(cause)
    if (cause instanceof TidemarkError && (cause.code === 'epoch-mismatch' || cause.code === 'document-closed')) {
      this.#parts.fail(lane.line, cause.code, cause)
      return
    }
    if (failure === 'data') {
      this.#parts.fail(lane.line, 'document-write-failed', cause)
      return
    }
    if (failure === 'conflict') return
    const isAnswering = await availability.isAnswering(patience.probeMs, cause, lane.failures)
    // an answer to a question that writes nothing does not tell that there is room on the disk
    if (isAnswering && speaksOfDatabase(cause) && !this.#othersCommitSince(lane)) {
      availability.takesNothing(cause, lane.failures)
    }
  }

  #othersCommitSince({ line, since }: Lane): boolean {
    return this.#lastCommit.line !== line && this.#lastCommit.at >= since
  }
}

function markRewound(lane: Lane): void {
  lane.isRewound = true
  lane.line.isMending = true
}
