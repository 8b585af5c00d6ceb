import { type Clock, Emitter, type ErrorCode, TidemarkError } from '@tidemark/shared'
import type { Database, Writer } from '../database/database.ts'
import { Availability, type StorageState } from './availability.ts'
import { batchEnd, bytesOf, commit, type Entry, type Portion, portionsOf } from './commit.ts'
import { Lanes, type Repair } from './lanes.ts'
import type { JournalLine } from './line.ts'
import { patience } from './patience.ts'
import { Pauses } from './pauses.ts'
import { standingsOf } from './standing.ts'
import { type Committed, Together } from './together.ts'
import { Waits } from './waits.ts'

export interface JournalOptions {
  /** The least time from the begin of one commit to the next, in ms, so that a busy server commits many updates together. */
  windowMs: number
  /** Above this many queued bytes `pressure` says true: whoever feeds the journal must stop (R6.4). */
  queuedBytes: number
}

export interface JournalEvents {
  /** `unavailable` as soon as the database takes no commits, or does not answer for longer than is right (R5.5). */
  storage: StorageState
  /** This one document cannot be stored now, though the database is there; `cause` is null when that is over (R6.18). */
  document: { line: JournalLine; cause: unknown }
  /** Whether the queue is over its limit. */
  pressure: boolean
  /** All of a batch's lines have moved on. */
  committed: { lines: JournalLine[]; updates: number; bytes: number; seconds: number }
  /** Updates of this document can never be stored, as far as can be told: its sessions must end, unacknowledged. */
  failed: { line: JournalLine; error: TidemarkError; updates: Uint8Array[] }
}

/** What an edit that waits for the database costs beside its bytes: of small ones that is the most. */
export const costOfEdit = 256

/** Only so much of what may be queued may be of one document that waits by itself. */
const shareOfOne = 4

/**
 * The one writer of this process (R1, R7): it takes everything queued for all documents, commits it in one
 * transaction, and repeats. `append` is synchronous, so an update is queued in the tick that applied it.
 * Documents that would hold the others up go their own way (lanes.ts).
 */
export class Journal {
  readonly events: Emitter<JournalEvents>
  readonly #writer: Writer
  readonly #options: JournalOptions
  readonly #clock: Clock
  readonly #pauses: Pauses
  readonly #availability: Availability
  readonly #waits: Waits
  readonly #lanes: Lanes
  readonly #together: Together
  #queue: Entry[] = []
  /** Where the queue begins: taking from the front by index keeps a long queue from being copied again and again. */
  #taken = 0
  /** When the last commit began. */
  #committedAt = Number.NEGATIVE_INFINITY
  /** All that is neither committed nor refused yet, wherever it waits. */
  #undecided = { updates: 0, bytes: 0 }
  readonly #bytesOf = new Map<JournalLine, number>()
  #underPressure = false
  #closing = false
  #isWriting = false
  #drained: (() => void)[] = []
  #repair: (line: JournalLine) => Promise<Repair> = async (line) => ({
    head: { revision: line.revision, stamp: null },
    update: null,
  })

  constructor(database: Database, options: JournalOptions, clock: Clock, onListenerError: (error: unknown) => void) {
    this.#writer = database.writer
    this.#options = options
    this.#clock = clock
    this.events = new Emitter(onListenerError)
    this.#pauses = new Pauses(clock)
    this.#availability = new Availability({
      probe: () => commit(this.#writer, []),
      pauses: this.#pauses,
      changed: (state) => this.events.emit('storage', state),
    })
    this.#waits = new Waits({
      clock,
      isAvailable: () => this.available,
      causeOf: (line) => this.#lanes.causeOf(line),
      tell: (line, cause) => this.events.emit('document', { line, cause }),
    })
    this.#lanes = new Lanes({
      writer: this.#writer,
      clock,
      pauses: this.#pauses,
      availability: this.#availability,
      repair: (line) => this.#repair(line),
      settle: (line, entries, head, seconds) => this.#settle([{ line, entries, head }], seconds),
      fail: (line, code, cause) => this.#fail(line, code, cause),
      ended: (line) => this.#ended(line),
      claim: (line) => this.#claim(line),
      triedWhole: (line) => this.#waits.tried(line),
      emptied: () => this.#emptied(),
    })
    this.#together = new Together({
      writer: this.#writer,
      pauses: this.#pauses,
      availability: this.#availability,
      lanes: this.#lanes,
      settle: (committed, seconds) => this.#settle(committed, seconds),
    })
  }

  /** Whether the database takes commits; one document that cannot be stored does not count. */
  get available(): boolean {
    return this.#availability.available
  }

  get queued(): { updates: number; bytes: number } {
    return this.#undecided
  }

  /** Who knows what is in memory says how to mend what the database has lost (R7.14). */
  repairBy(repair: (line: JournalLine) => Promise<Repair>): void {
    this.#repair = repair
  }

  /** Queues an update behind all others of its document. The line's `appended` position is this update's. */
  append(line: JournalLine, update: Uint8Array, author: string | null): void {
    if (line.failure) return
    this.#waits.begin(line)
    line.appended += 1
    const entry = { line, update, author }
    this.#count(line, 1, update.byteLength)
    if (this.#lanes.has(line)) {
      this.#lanes.push(entry)
      this.#limit(line)
    } else {
      this.#queue.push(entry)
      if (!this.#isWriting) void this.#write()
    }
  }

  /** Looks whether the database still holds what these documents' processes took to be stored, and mends it if not (R7.14). */
  async verify(lines: readonly JournalLine[]): Promise<void> {
    const idle = lines.filter((line) => line.failure === null && line.isDurable && !this.#lanes.has(line))
    if (idle.length === 0) return
    const moved: JournalLine[] = []
    for (const [line, standing] of await standingsOf(this.#writer, idle)) {
      // of what has begun to be committed meanwhile, the commit finds out
      if (!line.isDurable || this.#lanes.has(line)) continue
      if (standing.kind === 'rewound') {
        this.#waits.begin(line)
        this.#lanes.open(line, null, { isRewound: true })
      }
      if (standing.kind === 'same') line.recognise(standing.head)
      if (standing.kind !== 'ahead') continue
      line.foreign(standing.head)
      moved.push(line)
    }
    if (moved.length > 0) this.events.emit('committed', { lines: moved, updates: 0, bytes: 0, seconds: 0 })
  }

  /** Waits until all that is queued is committed or has failed for good. */
  async drain(): Promise<void> {
    while (this.#undecided.updates > 0 || this.#lanes.size > 0) {
      await new Promise<void>((resolve) => this.#drained.push(resolve))
    }
  }

  /**
   * Commits what is queued and stops. When the database stays away it gives up after `timeoutMs`: what is left was never
   * acknowledged, so its writers still hold it.
   * @returns how many updates were left
   */
  async close(timeoutMs: number): Promise<number> {
    await this.#pauses.within(timeoutMs, this.drain(), undefined)
    this.#closing = true
    this.#waits.close()
    this.#lanes.close()
    this.#together.close()
    this.#availability.close()
    this.#pauses.end()
    return this.#undecided.updates
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    while (!this.#closing && this.#taken < this.#queue.length) {
      const { windowMs } = this.#options
      const elapsed = this.#clock.now() - this.#committedAt
      // a clock that was set back says nothing of how long ago that was
      if (elapsed >= 0 && elapsed < windowMs) await this.#pauses.pause(windowMs - elapsed)
      this.#committedAt = this.#clock.now()
      const portions = portionsOf(this.#take())
      if (this.#queue.length === 0) for (const { line } of portions) this.#waits.tried(line)
      await this.#together.commit(this.#apart(portions))
    }
    this.#isWriting = false
  }

  /** The next batch from the queue, without what has failed meanwhile or waits by itself. */
  #take(): Entry[] {
    const end = batchEnd(this.#queue, this.#taken, patience.batch)
    const batch: Entry[] = []
    for (const entry of this.#queue.slice(this.#taken, end)) {
      if (entry.line.failure) continue
      if (this.#lanes.has(entry.line)) this.#lanes.push(entry)
      else batch.push(entry)
    }
    if (end === this.#queue.length) {
      this.#queue = []
      this.#taken = 0
    } else {
      this.#taken = end
    }
    return batch
  }

  /** Takes what is queued of one document out of the queue. */
  #claim(line: JournalLine): Entry[] {
    const left = this.#queue.slice(this.#taken)
    const claimed = left.filter((entry) => entry.line === line)
    if (claimed.length === 0) return claimed
    this.#queue = left.filter((entry) => entry.line !== line)
    this.#taken = 0
    return claimed
  }

  /** Sends what would hold the others up its own way. */
  #apart(portions: Portion[]): Portion[] {
    return portions.filter((portion) => {
      if (bytesOf(portion.entries) < patience.largePortionBytes) return true
      this.#lanes.open(portion.line, portion)
      return false
    })
  }

  #settle(committed: readonly Committed[], seconds: number): void {
    let updates = 0
    let bytes = 0
    for (const { line, entries, head } of committed) {
      const positions = entries.reduce((count, { isRepair }) => (isRepair ? count : count + 1), 0)
      const size = bytesOf(entries)
      updates += entries.length
      bytes += size
      // what has failed is counted off already
      if (!line.failure) this.#count(line, -positions, -bytesOf(entries.filter(({ isRepair }) => !isRepair)))
      line.committed(positions, head, entries.length)
      this.#lanes.committed(line)
      this.#waits.goesOn(line)
    }
    this.#availability.committed()
    this.events.emit('committed', { lines: committed.map(({ line }) => line), updates, bytes, seconds })
    this.#tellDrained()
  }

  #fail(line: JournalLine, code: ErrorCode, cause: unknown): void {
    if (line.failure) return
    const error = new TidemarkError(code, undefined, { cause })
    this.#count(line, line.durable - line.appended, -(this.#bytesOf.get(line) ?? 0))
    line.fail(error)
    this.events.emit('failed', { line, error, updates: this.#lanes.waitingOf(line).map(({ update }) => update) })
    this.#tellDrained()
  }

  /** Counts what waits, by document, and says when it is too much. */
  #count(line: JournalLine, updates: number, bytes: number): void {
    const ofLine = (this.#bytesOf.get(line) ?? 0) + bytes
    if (ofLine > 0) this.#bytesOf.set(line, ofLine)
    else this.#bytesOf.delete(line)
    this.#undecided = { updates: this.#undecided.updates + updates, bytes: this.#undecided.bytes + bytes }
    const limit = this.#options.queuedBytes
    const cost = this.#undecided.bytes + this.#undecided.updates * costOfEdit
    if (this.#underPressure ? cost < limit / 2 : cost > limit) {
      this.#underPressure = !this.#underPressure
      this.events.emit('pressure', this.#underPressure)
    }
  }

  /** What one document may make all wait for: its sessions end before their sockets, which others share, are paused (R6.18). */
  #limit(line: JournalLine): void {
    const isAlone = line.isTroubled && this.available
    if (isAlone && (this.#bytesOf.get(line) ?? 0) > this.#options.queuedBytes / shareOfOne) {
      this.#fail(line, 'storage-unavailable', new Error('too much of this document waits to be stored'))
    }
  }

  #ended(line: JournalLine): void {
    this.#waits.end(line)
    if (!line.isMending) return
    line.isMending = false
    // the database holds again all that it ever did of the document
    this.events.emit('committed', { lines: [line], updates: 0, bytes: 0, seconds: 0 })
  }

  #emptied(): void {
    void this.#availability.lookAgain()
    this.#tellDrained()
  }

  #tellDrained(): void {
    if (this.#undecided.updates > 0 || this.#lanes.size > 0) return
    const drained = this.#drained
    this.#drained = []
    for (const resolve of drained) resolve()
  }
}
