import { type Clock, Emitter, TidemarkError } from '@tidemark/shared'
import type { Database } from '../database/database.ts'
import { classify } from '../database/failures.ts'
import { commit, type Entry, type Portion, portionsOf } from './commit.ts'
import type { JournalLine } from './line.ts'

export interface JournalOptions {
  /** The least time from the begin of one commit to the next, in ms, so that a busy server commits many updates together. */
  windowMs: number
  /** Above this many queued bytes `pressure` says true: whoever feeds the journal must stop (R6.4). */
  queuedBytes: number
}

export interface JournalEvents {
  /** `unavailable` as soon as a commit failed for a reason that may pass, or takes longer than is right (R5.5). */
  storage: { available: true } | { available: false; cause: unknown; attempt: number }
  /** Whether the queue is over its limit. */
  pressure: boolean
  /** All of a batch's lines have moved on. */
  committed: { lines: JournalLine[]; updates: number; bytes: number; seconds: number }
  /** An update of this document can never be stored: its sessions must end, unacknowledged. */
  failed: { line: JournalLine; error: TidemarkError }
}

const largestBatch = { updates: 5_000, bytes: 8 * 1024 * 1024 }
/** A commit that takes longer than this many ms is a database that is away, as far as a person can tell. */
const slowCommitMs = 1_200
const firstRetryMs = 50
const longestRetryMs = 1_000

/**
 * The one writer of this process (R1, R7): it takes everything queued for all documents, commits it in one
 * transaction, and repeats. `append` is synchronous, so an update is queued in the tick that applied it.
 */
export class Journal {
  readonly events: Emitter<JournalEvents>
  readonly #database: Database
  readonly #options: JournalOptions
  readonly #clock: Clock
  #queue: Entry[] = []
  /** Where the queue begins: taking from the front by index keeps a long queue from being copied again and again. */
  #taken = 0
  /** When the last commit began. */
  #committedAt = Number.NEGATIVE_INFINITY
  #queuedBytes = 0
  /** Taken from the queue, and not decided yet: while the database is away that is where edits wait. */
  #inCommit = 0
  #underPressure = false
  #available = true
  #closing = false
  #writer: Promise<void> | null = null

  constructor(database: Database, options: JournalOptions, clock: Clock, onListenerError: (error: unknown) => void) {
    this.#database = database
    this.#options = options
    this.#clock = clock
    this.events = new Emitter(onListenerError)
  }

  get available(): boolean {
    return this.#available
  }

  get queued(): { updates: number; bytes: number } {
    return { updates: this.#queue.length - this.#taken + this.#inCommit, bytes: this.#queuedBytes }
  }

  /** Queues an update behind all others of its document. The line's `appended` position is this update's. */
  append(line: JournalLine, update: Uint8Array, author: string | null): void {
    if (line.failure) return
    line.appended += 1
    this.#queue.push({ line, update, author })
    this.#queuedBytes += update.byteLength
    if (!this.#underPressure && this.#queuedBytes > this.#options.queuedBytes) this.#setPressure(true)
    this.#writer ??= this.#write()
  }

  /** Waits until all that is queued is committed or has failed for good. */
  async drain(): Promise<void> {
    while (this.#writer) await this.#writer
  }

  /**
   * Commits what is queued and stops. When the database stays away it gives up after `timeoutMs`: what is left was never
   * acknowledged, so its writers still hold it.
   * @returns how many updates were left
   */
  async close(timeoutMs: number): Promise<number> {
    let cancel = (): void => {}
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#clock.after(timeoutMs, resolve)
    })
    await Promise.race([this.drain(), timeout])
    cancel()
    this.#closing = true
    return this.queued.updates
  }

  async #write(): Promise<void> {
    try {
      while (!this.#closing && this.queued.updates > 0) {
        const { windowMs } = this.#options
        const elapsed = this.#clock.now() - this.#committedAt
        // a clock that was set back says nothing of how long ago that was
        if (elapsed >= 0 && elapsed < windowMs) await this.#pause(windowMs - elapsed)
        this.#committedAt = this.#clock.now()
        await this.#commitBatch(this.#take())
      }
    } finally {
      this.#writer = null
    }
    if (!this.#closing && this.queued.updates > 0) this.#writer ??= this.#write()
  }

  #take(): Entry[] {
    let bytes = 0
    let end = this.#taken
    while (end < this.#queue.length && end - this.#taken < largestBatch.updates && bytes < largestBatch.bytes) {
      bytes += (this.#queue[end] as Entry).update.byteLength
      end++
    }
    const batch = this.#queue.slice(this.#taken, end)
    if (end === this.#queue.length) {
      this.#queue = []
      this.#taken = 0
    } else {
      this.#taken = end
    }
    return batch
  }

  async #commitBatch(batch: Entry[]): Promise<void> {
    this.#inCommit = batch.length
    await this.#commitPortions(portionsOf(batch))
    // given up at the shutdown, the batch counts as left
    if (!this.#closing) this.#inCommit = 0
    for (const { update } of batch) this.#queuedBytes -= update.byteLength
    if (this.#underPressure && this.#queuedBytes < this.#options.queuedBytes / 2) this.#setPressure(false)
  }

  /** Commits the portions; on a data error halves them until the poisoned document stands alone (R6.2). */
  async #commitPortions(portions: Portion[]): Promise<void> {
    const healthy = portions.filter(({ line }) => line.failure === null)
    if (healthy.length === 0) return
    const outcome = await this.#commitUntilDecided(healthy)
    if (outcome.kind === 'committed') {
      this.#settle(healthy, outcome.heads, outcome.seconds)
    } else if (outcome.kind === 'refused') {
      if (healthy.length === 1) {
        this.#fail((healthy[0] as Portion).line, 'document-write-failed', outcome.cause)
      } else {
        const middle = healthy.length >> 1
        await this.#commitPortions(healthy.slice(0, middle))
        await this.#commitPortions(healthy.slice(middle))
      }
    }
  }

  /** Tries until the batch is committed or the database says that its rows are at fault (R3.3). */
  async #commitUntilDecided(
    portions: Portion[],
  ): Promise<
    | { kind: 'committed'; heads: Map<number, number>; seconds: number }
    | { kind: 'refused'; cause: unknown }
    | { kind: 'stopped' }
  > {
    for (let attempt = 1; !this.#closing; attempt++) {
      // measured and never decided upon, so not of the injected clock
      const started = performance.now()
      const cancelWatch = this.#clock.after(slowCommitMs, () =>
        this.#setAvailable({ available: false, cause: new Error(`a commit takes over ${slowCommitMs} ms`), attempt }),
      )
      try {
        const heads = await commit(this.#database.writer, portions)
        this.#setAvailable({ available: true })
        return { kind: 'committed', heads, seconds: (performance.now() - started) / 1000 }
      } catch (cause) {
        const failure = classify(cause)
        if (failure === 'data') return { kind: 'refused', cause }
        // nobody need hear of a deadlock that the next try resolves; of one that stays, they must
        if (failure === 'transient' || attempt > 3) this.#setAvailable({ available: false, cause, attempt })
        await this.#pause(Math.min(firstRetryMs * 2 ** (attempt - 1), longestRetryMs))
      } finally {
        cancelWatch()
      }
    }
    return { kind: 'stopped' }
  }

  #settle(portions: Portion[], heads: Map<number, number>, seconds: number): void {
    const lines: JournalLine[] = []
    let updates = 0
    let bytes = 0
    for (const { line, entries } of portions) {
      const head = heads.get(line.documentId)
      if (head === undefined) {
        this.#fail(line, 'epoch-mismatch', new Error('the document was purged or given a new epoch while it was open'))
        continue
      }
      line.committed(entries.length, head)
      lines.push(line)
      updates += entries.length
      for (const { update } of entries) bytes += update.byteLength
    }
    if (lines.length > 0) this.events.emit('committed', { lines, updates, bytes, seconds })
  }

  #fail(line: JournalLine, code: 'document-write-failed' | 'epoch-mismatch', cause: unknown): void {
    const error = new TidemarkError(code, undefined, { cause })
    line.fail(error)
    this.events.emit('failed', { line, error })
  }

  #setAvailable(state: JournalEvents['storage']): void {
    const changed = state.available !== this.#available
    this.#available = state.available
    if (changed || !state.available) this.events.emit('storage', state)
  }

  #setPressure(underPressure: boolean): void {
    this.#underPressure = underPressure
    this.events.emit('pressure', underPressure)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve))
  }
}
