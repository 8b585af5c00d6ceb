import { type Clock, TidemarkError } from '@tidemark/shared'
import { retryDelay } from '../link/retry.ts'
import { type DirtyMark, ofAccount, remainder } from './dirty-mark.ts'
import { Flights } from './flights.ts'
import { abortQuietly, answered, begin, completionOf, customStore, updatesStore, writeError } from './idb.ts'
import type { StoreEvents } from './local-store.ts'
import { putKeyCheck } from './records.ts'
import type { Seals } from './seals.ts'

interface Write {
  readonly what:
    | { readonly kind: 'update'; readonly update: Uint8Array; readonly position: number | null }
    | { readonly kind: 'record'; readonly put: (custom: IDBObjectStore) => void }
  readonly settle: { resolve(): void; reject(error: TidemarkError): void }
}

interface Sealed {
  readonly seals: Seals
  readonly rows: readonly unknown[]
  readonly check: unknown
}

export interface WriteQueueMeans {
  readonly clock: Clock
  /** Where this opening's dirty mark stands. */
  readonly dirtyKey: string
  /** The newest position that is durable on the server. */
  readonly acknowledged: () => number
  /** On whose behalf this opening's edits are made, as far as it is known. */
  readonly account: () => string | null
  /** Null while there is no connection. */
  readonly database: () => IDBDatabase | null
  /** The connection turned out to be gone. */
  readonly onDisconnected: () => void
  /** It is time to try for a connection again. */
  readonly onConnectionWanted: () => void
  /** Rows were written under these keys. */
  readonly onWritten: (keys: readonly IDBValidKey[]) => void
  /** Null where rows are stored in the clear. */
  readonly seals: () => Seals | null
  /** Takes note of a transaction under way. */
  readonly track: (work: Promise<unknown>) => void
  readonly events: Pick<StoreEvents, 'failed' | 'recovered'>
}

const retrySchedule = { kind: 'exponential', first: 1_000, factor: 2, max: 30_000, jitter: false } as const

/**
 * Brings updates and the records beside them into the database, in order, each edit with its dirty mark in one
 * transaction; tries until they are in.
 */
export class WriteQueue {
  readonly #means: WriteQueueMeans
  /** Kept for a connection, or for another try. */
  #waiting: Write[] = []
  readonly #flights = new Flights<Write>()
  /** The newest position that was handed over, written or not. */
  #newest = 0
  /**
   * The newest position in any transaction so far. A mark never stands for less: one that failed is repeated after
   * later ones. Nor for more: who reads it meanwhile takes what it stands for to be in the rows.
   */
  #marked = 0
  #failing: TidemarkError | null = null
  #failures = 0
  #isSealing = false
  /** How many writes are being sealed. */
  #sealing = 0
  #isStopped = false
  #isLost = false
  /** Why nothing is written any more. */
  #givenUp: TidemarkError | null = null
  #cancelRetry: (() => void) | null = null

  constructor(means: WriteQueueMeans) {
    this.#means = means
  }

  /** Nothing waits for a transaction. */
  get isEmpty(): boolean {
    return this.#waiting.length + this.#sealing === 0
  }

  /** The newest position that was handed over, written or not. */
  get newest(): number {
    return this.#newest
  }

  /** @returns settles when the transaction has completed; rejects when the queue is given up before */
  add(update: Uint8Array, position: number | null): Promise<void> {
    if (position !== null) this.#newest = Math.max(this.#newest, position)
    return this.#take({ kind: 'update', update, position })
  }

  /** Changes the records beside the rows, in a transaction of its own or together with updates. */
  record(put: (custom: IDBObjectStore) => void): Promise<void> {
    return this.#take({ kind: 'record', put })
  }

  /** Writes what a database that had to be made anew lacks, in one transaction; ahead of everything that waits. */
  writeFirst(update: Uint8Array, put: (custom: IDBObjectStore) => void): Promise<void> {
    const position = this.#newest || null
    return new Promise((resolve, reject) => {
      const settle = { resolve, reject }
      this.#write([
        { what: { kind: 'update', update, position }, settle },
        { what: { kind: 'record', put }, settle },
      ])
    })
  }

  #take(what: Write['what']): Promise<void> {
    if (this.#givenUp) return Promise.reject(this.#givenUp)
    return new Promise((resolve, reject) => {
      const write: Write = { what, settle: { resolve, reject } }
      if (this.#means.database() && this.isEmpty) this.#write([write])
      else this.#waiting.push(write)
    })
  }

  /** Writes what waits, if there is a connection. */
  flush(): void {
    if (this.#waiting.length === 0 || !this.#means.database()) return
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
    this.#givenUp = error
    for (const { settle } of this.#waiting) settle.reject(error)
    this.#waiting = []
  }

  #write(writes: readonly Write[]): void {
    const seals = this.#means.seals()
    if (!seals) {
      this.#put(writes, null)
      return
    }
    // Sealing takes time: what comes meanwhile waits for its turn, so that the order stays.
    this.#waiting = [...writes, ...this.#waiting]
    if (!this.#isSealing) this.#means.track(this.#sealAll(seals))
  }

  async #sealAll(seals: Seals): Promise<void> {
    this.#isSealing = true
    try {
      while (this.#waiting.length > 0 && this.#means.database()) {
        const writes = this.#waiting
        this.#waiting = []
        this.#sealing = writes.length
        try {
          const rows = await Promise.all(writes.map(({ what }) => what.kind === 'update' && seals.seal(what.update)))
          const check = await seals.check()
          this.#sealing = 0
          if (!(await this.#put(writes, { seals, rows, check }))) break
        } catch (cause) {
          this.#sealing = 0
          this.#notWritten(writes, cause)
          break
        }
      }
    } finally {
      this.#isSealing = false
    }
  }

  /** @returns whether it was written; never rejects */
  #put(writes: readonly Write[], sealed: Sealed | null): Promise<boolean> {
    const database = this.#means.database()
    if (!database) {
      this.#waiting = [...writes, ...this.#waiting]
      return Promise.resolve(false)
    }
    let transaction: IDBTransaction | null = null
    try {
      const hasRows = writes.some(({ what }) => what.kind === 'update')
      const mark = this.#markFor(writes)
      const hasRecords = mark || (sealed && hasRows) || writes.some(({ what }) => what.kind === 'record')
      const stores = [...(hasRows ? [updatesStore] : []), ...(hasRecords ? [customStore] : [])]
      transaction = begin(database, stores, 'readwrite', { failures: this.#failures, onSilent: () => this.#silent() })
      const added: IDBRequest<IDBValidKey>[] = []
      // first: a record that reads the mark and writes it anew must find this one
      if (mark) transaction.objectStore(customStore).put(mark, this.#means.dirtyKey)
      for (const [index, { what }] of writes.entries()) {
        if (what.kind === 'record') what.put(transaction.objectStore(customStore))
        else {
          const request = transaction.objectStore(updatesStore).add(sealed ? sealed.rows[index] : what.update)
          request.onsuccess = () => answered(request)
          added.push(request)
        }
      }
      if (sealed && hasRows) putKeyCheck(transaction.objectStore(customStore), sealed.check, sealed.seals)
      const flight = this.#flights.add(writes, transaction)
      const done = completionOf(transaction).then(
        () => {
          this.#flights.completed(flight)
          this.#written(writes)
          this.#means.onWritten(added.map(({ result }) => result))
          return true
        },
        (cause: unknown) => {
          if (!flight.isTakenBack) this.#notWritten(this.#flights.takeBack(flight), cause)
          return false
        },
      )
      this.#means.track(done)
      return done
    } catch (cause) {
      // what it holds already would be committed, without the rest
      abortQuietly(transaction)
      // The connection is gone, and the browser did not say so (Safari does that).
      if (cause instanceof DOMException && cause.name === 'InvalidStateError') this.#means.onDisconnected()
      this.#notWritten(writes, cause)
      return Promise.resolve(false)
    }
  }

  #markFor(writes: readonly Write[]): DirtyMark | null {
    let newest = 0
    for (const { what } of writes) if (what.kind === 'update') newest = Math.max(newest, what.position ?? 0)
    if (newest === 0) return null
    this.#marked = Math.max(this.#marked, newest)
    return remainder(ofAccount({ from: 1, to: this.#marked }, this.#means.account()), this.#means.acknowledged())
  }

  #written(writes: readonly Write[]): void {
    for (const { settle } of writes) settle.resolve()
    this.#failures = 0
    if (this.isEmpty && this.#failing) {
      this.#failing = null
      this.#means.events.recovered()
    }
  }

  #notWritten(writes: readonly Write[], cause: unknown): void {
    this.#waiting = [...writes, ...this.#waiting]
    if (this.#isLost || this.#givenUp) {
      this.giveUp(this.#givenUp ?? new TidemarkError('local-storage-unavailable', undefined, { cause }))
      return
    }
    this.#fails(writeError(cause))
    this.#retryLater()
  }

  /** Nobody can say whether it is written; where the browser is completing it already, nobody can take it back either. */
  #silent(): void {
    if (this.#isLost || this.#givenUp) return
    this.#fails(
      new TidemarkError('local-storage-failed', undefined, { cause: new Error('the browser does not answer') }),
    )
  }

  #fails(error: TidemarkError): void {
    if (this.#failing?.code === error.code) return
    this.#failing = error
    this.#means.events.failed(error)
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
