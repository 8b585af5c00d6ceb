import { type Clock, type Emitter, TidemarkError } from '@tidemark/shared'
import type { DocumentEvents } from './document-contract.ts'
import { type FlushOptions, FlushWaiters } from './flush.ts'
import { OfflineWatch } from './status/offline-watch.ts'
import { missing, pendingCount } from './status/positions.ts'
import {
  after,
  beginning,
  type DocumentStatus,
  type Happening,
  hasDrained,
  isUnsafeToClose,
  keepsEdits,
  type Situation,
  sameStatus,
  statusOf,
} from './status/status.ts'
import { inTrueWords } from './status/wording.ts'

export interface StandingMeans {
  readonly opening: string
  readonly clock: Clock
  /** How many tries in a row may fail before the person is told (D3.4). */
  readonly tries: number
  /** ms without a connection after which the person is told (D3.5). */
  readonly longOffline: number
  readonly emitter: Emitter<DocumentEvents>
  /** Whether closing the tab must ask first (R2.4); told with each change. */
  readonly guardPage: (isUnsafe: boolean) => void
  /** Something may have changed that a leader reports to the other tabs. */
  readonly onChange: () => void
}

/** Holds how a document stands, and tells each change of it to whom it concerns: the app, the page, those who wait. */
export class Standing {
  readonly #means: StandingMeans
  readonly #waiters: FlushWaiters
  readonly #offlineWatch: OfflineWatch
  readonly #firstSync = Promise.withResolvers<void>()
  #situation: Situation
  #status: DocumentStatus

  constructor(means: StandingMeans) {
    this.#means = means
    this.#situation = beginning(means.opening, means.tries)
    this.#status = statusOf(this.#situation)
    this.#waiters = new FlushWaiters(means.clock)
    this.#offlineWatch = new OfflineWatch(means.clock, means.longOffline, () => this.happened({ type: 'offline-long' }))
    this.#firstSync.promise.catch(() => {})
  }

  get situation(): Situation {
    return this.#situation
  }

  get status(): DocumentStatus {
    return this.#status
  }

  get isSynced(): boolean {
    return isSynced(this.#situation)
  }

  /** Rejects when the document is closed before. */
  get whenSynced(): Promise<void> {
    return this.#firstSync.promise
  }

  /**
   * @param then what has to follow before anybody hears of it: what a listener does (write, flush, close) meets no
   *   half-done step, and what a flush sends is taken to carry every edit that is counted
   */
  happened(happening: Happening, then?: () => void): void {
    const { emitter, guardPage, onChange } = this.#means
    emitter.together(() => {
      const before = this.#situation
      const now = after(before, happening)
      this.#situation = now
      this.#tell(before, now)
      then?.()
      this.#offlineWatch.look(this.#situation.offline)
      guardPage(isUnsafeToClose(this.#situation))
      onChange()
      const obstacle = this.#obstacle()
      if (obstacle) this.#waiters.fail(obstacle)
      this.#waiters.look()
    })
  }

  /** The app hears of it when all of it is done. */
  together<Result>(work: () => Result): Result {
    return this.#means.emitter.together(work)
  }

  /** What this one step has to say. A listener that leads to the next step changes nothing of it (R4.1). */
  #tell(before: Situation, now: Situation): void {
    const { clock, emitter } = this.#means
    const status = statusOf(now)
    if (!sameStatus(status, this.#status)) {
      this.#status = status
      emitter.emit('status', status)
    }
    const pending = pendingCount(now.positions)
    if (pending > pendingCount(before.positions)) emitter.emit('pending', { pendingCount: pending })
    if (hasDrained(before, now)) emitter.emit('drained', { lastSavedAt: now.lastSavedAt ?? clock.now() })
    if (isSynced(now) !== isSynced(before)) this.#syncedChanged(isSynced(now))
  }

  /**
   * @returns null when every edit made until now is durable on the server already
   * @throws {TidemarkError} what stands in the way
   */
  whenSaved(options: FlushOptions): Promise<void> | null {
    // what the local store holds from an earlier time is known only when it is loaded
    let target = this.#situation.loaded ? this.#situation.positions.made : null
    const isDone = () => {
      if (!this.#situation.loaded) return false
      const { made, acknowledged } = this.#situation.positions
      target ??= made
      return missing(target, acknowledged) === 0
    }
    if (isDone()) return null
    const obstacle = this.#obstacle()
    if (obstacle) throw obstacle
    return this.#waiters.wait(isDone, options).catch((error: TidemarkError) => {
      throw this.inTrueWords(error)
    })
  }

  /** In words that are true of this document on this device. */
  inTrueWords(error: TidemarkError): TidemarkError {
    return inTrueWords(error, keepsEdits(this.#situation))
  }

  /** The document is closed: nobody waits in vain. */
  close(): void {
    this.#offlineWatch.close()
    this.#waiters.fail(new TidemarkError('document-closed'))
    this.#firstSync.reject(new TidemarkError('document-closed'))
  }

  #syncedChanged(isSynced: boolean): void {
    const { emitter } = this.#means
    if (isSynced) this.#firstSync.resolve()
    emitter.emit('synced', isSynced)
    emitter.emit('sync', isSynced)
  }

  /** What waiting will not heal. */
  #obstacle(): TidemarkError | null {
    const { obstacle } = this.#situation
    return obstacle?.persistent ? this.inTrueWords(obstacle) : null
  }
}

function isSynced({ positions: { handshaken, refused } }: Situation): boolean {
  return handshaken || refused
}
