import type { Clock } from '@tidemark/shared'
import type { Locks, Page } from '../tabs/world.ts'

/** A copy's size, as far as it decides whether it is compacted. */
export interface Size {
  readonly rows: number
  /** Of the largest row, which is the last snapshot, as a rule. */
  readonly snapshotBytes: number
}

export interface UpkeepMeans {
  readonly clock: Clock
  readonly locks: Locks | null
  readonly page: Page | null
  /** The name of the lock: one at a time compacts a copy. */
  readonly lockName: () => string
  /** How many rows there are in truth: other tabs write and compact, too. */
  readonly count: () => Promise<number>
  /** @returns the size afterwards; null when it was not the moment */
  readonly compact: () => Promise<Size | null>
  /** It did not work this time, and is tried again. */
  readonly onFailure: (cause: unknown) => void
}

const delays = { full: 1_000, loaded: 1_000, rest: 5_000, failed: 60_000 } as const

/**
 * How many rows are too many. A large document waits for more of them: what is written again for an edit does not
 * grow with the document (R8); a row costs about as much to load as 100 bytes of a snapshot do.
 */
export function tooManyRows(snapshotBytes: number, isResting: boolean): number {
  return isResting ? Math.max(50, snapshotBytes >> 13) : Math.max(500, snapshotBytes >> 10)
}

/** Decides when a copy is compacted (D2.1): many rows, or some and nobody is writing. Only the caretaker does it. */
export class Upkeep {
  readonly #means: UpkeepMeans
  readonly #stopListening: () => void
  #rows = 0
  #snapshotBytes = 0
  #isNeglected = false
  #isCaretaker = false
  #isStopped = false
  #isRunning = false
  #heardAt = 0
  #planned: { readonly isResting: boolean; readonly cancel: () => void } | null = null

  constructor(means: UpkeepMeans) {
    this.#means = means
    this.#stopListening =
      means.page?.listen({
        visibilityChanged: () => {
          if (!means.page?.isVisible && this.#isDue(true)) this.#plan(0, true)
        },
        stopping() {},
        resumed() {},
      }) ?? (() => {})
  }

  /** @param isWasteful it holds much that is written twice */
  loaded({ rows, snapshotBytes }: Size, isWasteful: boolean): void {
    this.#rows += rows
    this.#snapshotBytes = snapshotBytes
    this.#isNeglected = isWasteful || this.#isDue(true)
    this.#consider()
  }

  /** The document has changed, here or elsewhere: somebody stores a row. */
  heard(): void {
    this.#rows++
    this.#heardAt = this.#means.clock.now()
    this.#consider()
  }

  setCaretaker(isCaretaker: boolean): void {
    this.#isCaretaker = isCaretaker
    if (isCaretaker) this.#consider()
    else this.#cancel()
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
    this.#stopListening()
  }

  #isDue(isResting: boolean): boolean {
    return this.#rows >= tooManyRows(this.#snapshotBytes, isResting)
  }

  #consider(): void {
    if (!this.#isCaretaker) return
    if (this.#isDue(false)) this.#plan(delays.full, false)
    else if (this.#isNeglected) this.#plan(delays.loaded, false)
    else if (this.#isDue(true)) this.#plan(delays.rest, true)
  }

  #plan(delay: number, isResting: boolean): void {
    if (this.#isStopped || this.#isRunning || !this.#isCaretaker) return
    if (this.#planned && (!this.#planned.isResting || isResting) && delay > 0) return
    this.#cancel()
    const cancel = this.#means.clock.after(delay, () => {
      this.#planned = null
      const quiet = this.#means.clock.now() - this.#heardAt
      // a clock that was set back must not put it off for ever
      if (isResting && quiet >= 0 && quiet < delay) this.#plan(delay - quiet, true)
      else void this.#run()
    })
    this.#planned = { isResting, cancel }
  }

  #cancel(): void {
    this.#planned?.cancel()
    this.#planned = null
  }

  async #run(): Promise<void> {
    const { locks, lockName } = this.#means
    this.#isRunning = true
    let retryAfter: number | null = null
    try {
      const isDone = locks
        ? await locks.request(lockName(), { ifAvailable: true }, (lock) => lock !== null && this.#compact())
        : await this.#compact()
      if (!isDone) retryAfter = delays.rest
    } catch (cause) {
      this.#means.onFailure(cause)
      // It costs space and nothing else, and the next try may have more luck.
      retryAfter = delays.failed
    }
    this.#isRunning = false
    if (retryAfter === null) this.#consider()
    else this.#plan(retryAfter, false)
  }

  async #compact(): Promise<boolean> {
    const heard = this.#rows
    const rows = await this.#means.count()
    this.#rows += rows - heard
    if (!this.#isNeglected && !this.#isDue(true)) return true
    const counted = this.#rows
    const size = await this.#means.compact()
    if (!size) return false
    this.#isNeglected = false
    this.#rows += size.rows - counted
    this.#snapshotBytes = size.snapshotBytes
    return true
  }
}
