import { type Clock, TidemarkError } from '@tidemark/shared'
import { retryDelay } from '../link/retry.ts'
import { type DirtyMark, remainder } from './dirty-mark.ts'
import { completionOf, customStore, updatesStore, writeError } from './idb.ts'
import type { StoreEvents } from './local-store.ts'

interface Write {
  readonly update: Uint8Array
  readonly position: number | null
  readonly settle: { resolve(): void; reject(error: TidemarkError): void }
}

export interface WriteQueueMeans {
  readonly clock: Clock
  /** Where this opening's dirty mark stands. */
  readonly dirtyKey: string
  /** The newest position that is durable on the server. */
  readonly acknowledged: () => number
  /** Null while there is no connection. */
  readonly database: () => IDBDatabase | null
  /** The connection turned out to be gone. */
  readonly onDisconnected: () => void
  /** It is time to try for a connection again. */
  readonly onConnectionWanted: () => void
  readonly onWritten: (count: number) => void
  /** Takes note of a transaction under way. */
  readonly track: (work: Promise<void>) => void
  readonly events: Pick<StoreEvents, 'failed' | 'recovered'>
}

const retrySchedule = { kind: 'exponential', first: 1_000, factor: 2, max: 30_000, jitter: false } as const

/** Brings updates into the database, in order, each with its dirty mark in one transaction; tries until they are in. */
export class WriteQueue {
  readonly #means: WriteQueueMeans
  /** Kept for a connection, or for another try. */
  #waiting: Write[] = []
  #failing: TidemarkError | null = null
  #failures = 0
  #isStopped = false
  #isLost = false
  #cancelRetry: (() => void) | null = null

  constructor(means: WriteQueueMeans) {
    this.#means = means
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** @returns settles when the transaction has completed; rejects when the queue is given up before */
  add(update: Uint8Array, position: number | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const write: Write = { update, position, settle: { resolve, reject } }
      if (this.#means.database() && this.isEmpty) this.#write([write])
      else this.#waiting.push(write)
    })
  }

  /** Writes what a database that had to be made anew lacks; ahead of everything that waits. */
  writeFirst(update: Uint8Array, position: number): void {
    this.#write([{ update, position, settle: ignored }])
  }

  /** Writes what waits, if there is a connection. */
  flush(): void {
    if (this.isEmpty || !this.#means.database()) return
    const writes = this.#waiting
    this.#waiting = []
    this.#write(writes)
  }

  /** There is no connection to be had for now. */
  connectionFailed(cause: unknown): void {
    this.#notWritten([], cause)
  }

  /** What fails from here on is not tried again. */
  stop(): void {
    this.#isStopped = true
    this.#cancelRetry?.()
    this.#cancelRetry = null
  }

  /** Nothing is stored any more. */
  lose(error: TidemarkError): void {
    this.stop()
    this.#isLost = true
    this.giveUp(error)
  }

  giveUp(error: TidemarkError): void {
    for (const { settle } of this.#waiting) settle.reject(error)
    this.#waiting = []
  }

  #write(writes: readonly Write[]): void {
    const database = this.#means.database()
    if (!database) return
    let transaction: IDBTransaction | null = null
    try {
      const mark = this.#markFor(writes)
      transaction = database.transaction(mark ? [updatesStore, customStore] : [updatesStore], 'readwrite')
      for (const { update } of writes) transaction.objectStore(updatesStore).add(update)
      if (mark) transaction.objectStore(customStore).put(mark, this.#means.dirtyKey)
      this.#means.track(
        completionOf(transaction).then(
          () => this.#written(writes),
          (cause: unknown) => this.#notWritten(writes, cause),
        ),
      )
    } catch (cause) {
      // what it holds already would be committed, without the rest
      transaction?.abort()
      // The connection is gone, and the browser did not say so (Safari does that).
      if (cause instanceof DOMException && cause.name === 'InvalidStateError') this.#means.onDisconnected()
      this.#notWritten(writes, cause)
    }
  }

  #markFor(writes: readonly Write[]): DirtyMark | null {
    const newest = writes.reduce((newest, { position }) => Math.max(newest, position ?? 0), 0)
    return remainder({ from: 1, to: newest }, this.#means.acknowledged())
  }

  #written(writes: readonly Write[]): void {
    for (const { settle } of writes) settle.resolve()
    this.#failures = 0
    if (this.isEmpty && this.#failing) {
      this.#failing = null
      this.#means.events.recovered()
    }
    this.#means.onWritten(writes.length)
  }

  #notWritten(writes: readonly Write[], cause: unknown): void {
    this.#waiting = [...writes, ...this.#waiting]
    if (this.#isLost) {
      this.giveUp(new TidemarkError('local-storage-unavailable', undefined, { cause }))
      return
    }
    const error = writeError(cause)
    if (this.#failing?.code !== error.code) {
      this.#failing = error
      this.#means.events.failed(error)
    }
    this.#retryLater()
  }

  #retryLater(): void {
    if (this.#cancelRetry || this.#isStopped) return
    this.#failures++
    this.#cancelRetry = this.#means.clock.after(retryDelay(retrySchedule, this.#failures, 0), () => {
      this.#cancelRetry = null
      if (this.#means.database()) this.flush()
      else this.#means.onConnectionWanted()
    })
  }
}

const ignored = { resolve() {}, reject() {} }
