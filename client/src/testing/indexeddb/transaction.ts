import type { Backend, Put, StepKind } from './backend.ts'
import type { Connection } from './connection.ts'
import { KeyRange, type ObjectStoreContent, type Query } from './object-store.ts'
import { Target } from './target.ts'

export class Request extends Target {
  result: unknown = undefined
  error: DOMException | null = null
  readyState: 'pending' | 'done' = 'pending'
  transaction: Transaction | null = null

  succeed(result: unknown): void {
    this.readyState = 'done'
    this.result = result
    this.dispatch('success')
  }

  /** @returns whether somebody has prevented what follows */
  fail(error: DOMException): boolean {
    this.readyState = 'done'
    this.result = undefined
    this.error = error
    return this.dispatch('error')
  }
}

interface Asked {
  readonly kind: StepKind
  readonly request: Request
  readonly work: () => unknown
}

type Mode = 'readonly' | 'readwrite' | 'versionchange'

export class Transaction extends Target {
  error: DOMException | null = null
  readonly mode: Mode
  readonly db: Connection
  readonly #backend: Backend
  readonly #scope: ReadonlySet<string>
  #asked: Asked[] = []
  #takeBack: (() => void)[] = []
  readonly #puts: Put[] = []
  #isActive = true
  #isStarted = false
  /** Its tab has not yet heard of it. */
  isHeld = false
  #isCommitting = false
  isOver = false
  isSilent = false
  /** For those who wait for its end. */
  onOver: (isCompleted: boolean) => void = () => {}

  constructor(db: Connection, scope: readonly string[], mode: Mode, backend: Backend) {
    super()
    this.db = db
    this.mode = mode
    this.#scope = new Set(scope)
    this.#backend = backend
  }

  objectStore(name: string): ObjectStore {
    if (this.isOver) throw new DOMException('the transaction is over', 'InvalidStateError')
    const content = this.db.content.stores.get(name)
    if (!content || !(this.mode === 'versionchange' || this.#scope.has(name))) {
      throw new DOMException(`there is no object store ${name} here`, 'NotFoundError')
    }
    return new ObjectStore(content, this)
  }

  abort(): void {
    if (this.isOver || this.#isCommitting) throw new DOMException('the transaction is over', 'InvalidStateError')
    this.#abort(null)
  }

  /** @internal */
  ask(kind: StepKind, work: () => unknown): Request {
    if (this.isOver || !this.#isActive) throw new DOMException('not in this task', 'TransactionInactiveError')
    const request = new Request()
    request.transaction = this
    this.#asked.push({ kind, request, work })
    return request
  }

  /** @internal a value was written */
  wrote(put: Put, takeBack: () => void): void {
    this.#puts.push(put)
    this.#takeBack.push(takeBack)
  }

  canRunBeside(other: Transaction): boolean {
    if (this.mode === 'readonly' && other.mode === 'readonly') return true
    return [...this.#scope].every((name) => !other.#scope.has(name))
  }

  /** Its turn has come, if it has not come before. */
  start(): void {
    if (this.#isStarted || this.isHeld) return
    this.#isStarted = true
    this.#backend.soon(() => this.#step())
  }

  /** The connection is gone: nothing of this has been. */
  cutOff(name: string): void {
    if (!this.isOver) this.#abort(new DOMException('the connection is gone', name))
  }

  /** The tab is gone. */
  tabEnded(): void {
    if (this.isOver) return
    if (this.#isCommitting && this.#backend.isLucky) this.#complete()
    else this.#abort(new DOMException('the tab is gone', 'AbortError'))
  }

  #step(): void {
    if (this.isOver) return
    this.#isActive = false
    const asked = this.#asked.shift()
    if (!asked) {
      this.#isCommitting = true
      this.#backend.later(() => this.#commit())
      return
    }
    const { kind, request, work } = asked
    const outcome = this.#backend.outcomeOf(kind, this.db.name)
    if (outcome === 'silent') {
      this.isSilent = true
      return
    }
    this.db.thread.run(() => {
      if (this.isOver) return
      this.#isActive = true
      if (outcome === 'well') request.succeed(work())
      else {
        const error = errorOf(outcome)
        if (!request.fail(error) && !this.isOver) this.#abort(error)
      }
      // promises have their turn before
      this.#backend.soon(() => this.#step())
    })
  }

  #commit(): void {
    if (this.isOver) return
    const outcome = this.#puts.length > 0 ? this.#backend.outcomeOf('commit', this.db.name) : 'well'
    this.isSilent = outcome === 'silent'
    if (this.isSilent) return
    if (outcome === 'well') this.#complete()
    else this.#abort(errorOf(outcome))
  }

  #complete(): void {
    for (const { store, key, value } of this.#puts) this.db.content.stores.get(store)?.completed(key, value)
    if (this.#puts.length > 0) this.db.content.committed.push([...this.#puts])
    this.#over(true)
    this.db.thread.run(() => this.dispatch('complete'))
  }

  #abort(error: DOMException | null): void {
    this.error = error
    for (const takeBack of this.#takeBack.reverse()) takeBack()
    this.#takeBack = []
    const asked = this.#asked
    this.#asked = []
    this.#over(false)
    this.#backend.soon(() =>
      this.db.thread.run(() => {
        for (const { request } of asked) request.fail(new DOMException('the transaction was aborted', 'AbortError'))
        this.dispatch('abort')
      }),
    )
  }

  #over(isCompleted: boolean): void {
    this.isOver = true
    this.onOver(isCompleted)
    this.db.transactionOver(this)
  }
}

function errorOf(outcome: string): DOMException {
  return outcome === 'full'
    ? new DOMException('the disk is full', 'QuotaExceededError')
    : new DOMException('the disk is broken', 'UnknownError')
}

type Key = number | string

export class ObjectStore {
  readonly name: string
  readonly #content: ObjectStoreContent
  readonly #transaction: Transaction

  constructor(content: ObjectStoreContent, transaction: Transaction) {
    this.name = content.name
    this.#content = content
    this.#transaction = transaction
  }

  get(key: Key): Request {
    return this.#read(() => structuredClone(this.#content.get(key)))
  }

  getAll(query?: Query, count?: number): Request {
    return this.#read(() => this.#content.keys(query, count).map((key) => structuredClone(this.#content.get(key))))
  }

  getAllKeys(query?: Query, count?: number): Request {
    return this.#read(() => this.#content.keys(query, count))
  }

  count(query?: Query): Request {
    return this.#read(() => this.#content.keys(query).length)
  }

  /** The first one only. */
  openKeyCursor(query?: Query, direction: 'next' | 'prev' = 'next'): Request {
    return this.#read(() => {
      const key = this.#content.keys(query).at(direction === 'next' ? 0 : -1)
      return key === undefined ? null : { key, primaryKey: key }
    })
  }

  add(value: unknown, key?: Key): Request {
    return this.#put(value, key)
  }

  put(value: unknown, key?: Key): Request {
    return this.#put(value, key)
  }

  delete(query: Key | KeyRange): Request {
    return this.#write(() => {
      for (const key of this.#content.keys(query)) {
        this.#transaction.wrote({ store: this.name, key, value: undefined }, this.#content.delete(key))
      }
    })
  }

  clear(): Request {
    return this.delete(new KeyRange(undefined, undefined))
  }

  #put(value: unknown, given: Key | undefined): Request {
    const copy = structuredClone(value)
    return this.#write(() => {
      const key = given ?? this.#content.nextNumber()
      this.#transaction.wrote({ store: this.name, key, value: copy }, this.#content.put(key, copy))
      return key
    })
  }

  #read(work: () => unknown): Request {
    return this.#transaction.ask('read', work)
  }

  #write(work: () => unknown): Request {
    if (this.#transaction.mode === 'readonly') throw new DOMException('only to be read', 'ReadOnlyError')
    return this.#transaction.ask('write', work)
  }
}
