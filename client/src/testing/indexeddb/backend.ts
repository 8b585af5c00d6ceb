import type { Chance } from '../chance.ts'
import { type Duration, durationOf } from '../network.ts'
import type { Thread } from '../thread.ts'
import type { Timeline } from '../timeline.ts'
import type { Connection } from './connection.ts'
import type { ObjectStoreContent } from './object-store.ts'
import type { Transaction } from './transaction.ts'

/** What a browser's IndexedDB is asked for, one after the other. */
export type StepKind = 'open' | 'delete' | 'databases' | 'begin' | 'read' | 'write' | 'commit'

/**
 * What becomes of a step. `silent`: no answer ever comes. `full`: there is no space. `gone`: the browser has dropped the
 * connection and says so only to whoever uses it.
 */
export type StepOutcome = 'well' | 'fails' | 'full' | 'silent' | 'gone'

/** One value that a transaction has written. */
export interface Put {
  readonly store: string
  readonly key: number | string
  readonly value: unknown
}

export interface DatabaseContent {
  readonly name: string
  version: number
  readonly stores: Map<string, ObjectStoreContent>
  readonly connections: Set<Connection>
  transactions: Transaction[]
  /** What each transaction that completed has written. */
  readonly committed: (readonly Put[])[]
}

/** What the tabs of a device share of IndexedDB: the databases, their order, and what goes wrong with them. */
export class Backend {
  readonly databases = new Map<string, DatabaseContent>()
  /** How long opening or completing takes, in ms. */
  delay: Duration
  /** Decides what becomes of each step. */
  outcomeOf: (kind: StepKind, database: string) => StepOutcome = () => 'well'
  readonly #timeline: Timeline
  readonly #chance: Chance
  /** By database: opening and deleting wait for each other. */
  readonly #queues = new Map<string, (() => void)[]>()

  constructor(timeline: Timeline, chance: Chance, delay: Duration) {
    this.#timeline = timeline
    this.#chance = chance
    this.delay = delay
  }

  /** Some transaction gets no answer, ever: those behind it wait for as long as its tab is there. */
  get isStuck(): boolean {
    return [...this.databases.values()].some(({ transactions }) => transactions.some(({ isSilent }) => isSilent))
  }

  /** A turn later. */
  soon(task: () => void): void {
    this.#timeline.effectAt(this.#timeline.time, task)
  }

  /** As much later as the disk takes. */
  later(task: () => void): void {
    this.#timeline.effectAt(this.#timeline.time + durationOf(this.delay, this.#chance), task)
  }

  get isLucky(): boolean {
    return this.#chance.next() < 0.5
  }

  /** Runs tasks that open or delete one database one after the other; each calls {@link next} when it is done. */
  enqueue(database: string, task: () => void): void {
    const queue = this.#queues.get(database)
    if (queue) {
      queue.push(task)
      return
    }
    this.#queues.set(database, [])
    this.later(task)
  }

  next(database: string): void {
    const task = this.#queues.get(database)?.shift()
    if (task) this.later(task)
    else this.#queues.delete(database)
  }

  /** The tab is gone: what it had not completed has never been, unless the browser was just completing it. */
  tabEnded(thread: Thread): void {
    for (const database of this.databases.values()) {
      for (const connection of [...database.connections]) if (connection.thread === thread) connection.tabEnded()
    }
  }

  connectionsOf(thread: Thread): string[] {
    return [...this.databases.values()].flatMap(({ name, connections }) =>
      [...connections].filter((connection) => connection.thread === thread).map(() => name),
    )
  }

  /** The browser closes what is open: out of its own need, or because what is stored is thrown away. */
  closeAll(): void {
    for (const database of this.databases.values()) {
      for (const connection of [...database.connections]) connection.closeByForce()
    }
  }

  clear(): void {
    const open = [...this.databases.values()]
    this.databases.clear()
    for (const database of open) for (const connection of [...database.connections]) connection.closeByForce()
  }
}
