import type { Thread } from '../thread.ts'
import type { Backend, DatabaseContent } from './backend.ts'
import { ObjectStoreContent } from './object-store.ts'
import { Target } from './target.ts'
import { type ObjectStore, Transaction } from './transaction.ts'

/** A tab's connection to a database: `IDBDatabase`. */
export class Connection extends Target {
  readonly name: string
  readonly thread: Thread
  readonly content: DatabaseContent
  readonly #backend: Backend
  #isClosing = false
  isClosed = false
  /** Told when it is closed. */
  onClosed: () => void = () => {}

  constructor(content: DatabaseContent, thread: Thread, backend: Backend) {
    super()
    this.name = content.name
    this.content = content
    this.thread = thread
    this.#backend = backend
    content.connections.add(this)
  }

  get version(): number {
    return this.content.version
  }

  get objectStoreNames(): { contains(name: string): boolean } {
    return { contains: (name) => this.content.stores.has(name) }
  }

  get isClosing(): boolean {
    return this.#isClosing
  }

  createObjectStore(name: string): ObjectStore {
    const upgrade = this.content.transactions.find(({ mode, db }) => mode === 'versionchange' && db === this)
    if (!upgrade) throw new DOMException('only while it is upgraded', 'InvalidStateError')
    this.content.stores.set(name, new ObjectStoreContent(name))
    return upgrade.objectStore(name)
  }

  transaction(names: string | readonly string[], mode: 'readonly' | 'readwrite' = 'readonly'): Transaction {
    const isGone = this.#backend.outcomeOf('begin', this.name) !== 'well'
    if (this.#isClosing || this.isClosed || isGone) {
      throw new DOMException('the connection is closed', 'InvalidStateError')
    }
    const scope = typeof names === 'string' ? [names] : names
    for (const name of scope) {
      if (!this.content.stores.has(name)) throw new DOMException(`there is no ${name}`, 'NotFoundError')
    }
    return this.begin(scope, mode)
  }

  begin(scope: readonly string[], mode: 'readonly' | 'readwrite' | 'versionchange'): Transaction {
    const transaction = new Transaction(this, scope, mode, this.#backend)
    this.content.transactions.push(transaction)
    this.#backend.soon(() => startThoseThatCan(this.content))
    return transaction
  }

  transactionOver(transaction: Transaction): void {
    this.content.transactions = this.content.transactions.filter((other) => other !== transaction)
    startThoseThatCan(this.content)
    if (this.#isClosing) this.#closeWhenIdle()
  }

  close(): void {
    this.#isClosing = true
    this.#closeWhenIdle()
  }

  /** The browser closes it, and says so. */
  closeByForce(): void {
    if (this.isClosed) return
    const isNews = !this.#isClosing
    this.#end('AbortError')
    if (isNews) this.thread.run(() => this.dispatch('close'))
  }

  tabEnded(): void {
    for (const transaction of this.#own()) transaction.tabEnded()
    this.#end('AbortError')
  }

  #end(why: string): void {
    this.#isClosing = true
    for (const transaction of this.#own()) transaction.cutOff(why)
    this.#closeWhenIdle()
  }

  #own(): Transaction[] {
    return this.content.transactions.filter(({ db }) => db === this)
  }

  #closeWhenIdle(): void {
    if (this.isClosed || this.#own().length > 0) return
    this.isClosed = true
    this.content.connections.delete(this)
    this.onClosed()
  }
}

/** In the order in which they were asked for, as far as they do not stand in each other's way. */
function startThoseThatCan({ transactions }: DatabaseContent): void {
  for (const [index, transaction] of transactions.entries()) {
    if (transactions.slice(0, index).every((earlier) => transaction.canRunBeside(earlier))) transaction.start()
  }
}
