import * as Y from 'yjs'
import { bring } from '../../replica/bring.ts'
import { type DirtyMark, pendingIn } from '../../store/dirty-mark.ts'
import type { History, SetAside } from '../../store/local-store.ts'
import { databaseName } from '../../store/names.ts'
import type { Chance } from '../chance.ts'
import { type Duration, durationOf } from '../network.ts'
import type { Thread } from '../thread.ts'
import type { Timeline } from '../timeline.ts'

/** One document's copy, as a database of its own. */
export interface Copy {
  readonly id: string
  readonly namespace: string
  readonly document: string
  rows: Uint8Array[]
  /** Every update that was ever stored, and the position under which its dirty mark stands. */
  readonly written: Written[]
  readonly quarantined: Uint8Array[]
  /** How many of those may hold pending edits. */
  unread: number
  readonly marks: Map<string, DirtyMark>
  history: History | null
  account: string | null
  setAside: SetAside | null
  /** Thrown away while somebody had it open. */
  isGone: boolean
  /** Told when it is thrown away. */
  readonly openBy: Set<{ thrownAway(why: 'cleared' | 'deleted'): void }>
}

/** One update, as it came with its dirty mark. */
export interface Written {
  readonly update: Uint8Array
  readonly opening: string
  /** Null when it was durable on the server already. */
  readonly position: number | null
}

/**
 * What a browser profile stores. Transactions complete in the order in which they were asked for, a while later; one
 * whose tab is gone before that has never been.
 */
export class Disk {
  state: 'well' | 'full' | 'broken' = 'well'
  delay: Duration
  readonly #timeline: Timeline
  readonly #chance: Chance
  /** By `Y.Doc`: the opening under whose name its dirty mark stands. */
  readonly openings = new WeakMap<Y.Doc, string>()
  /** By opening: the position of its newest edit. */
  readonly newest = new Map<string, number>()
  #copies: Copy[] = []
  #lastCompletion = 0
  /** By name of the document's first copy: how many of its copies were set aside. */
  readonly #generations = new Map<string, number>()

  constructor(timeline: Timeline, chance: Chance, delay: Duration) {
    this.#timeline = timeline
    this.#chance = chance
    this.delay = delay
  }

  /**
   * @param kind `growing` ones fail while the disk is full
   * @throws {DOMException} `QuotaExceededError`, `UnknownError`
   */
  transact<Result>(thread: Thread, kind: 'growing' | 'other', work: () => Result): Promise<Result> {
    this.#lastCompletion = Math.max(this.#lastCompletion, this.#timeline.time + durationOf(this.delay, this.#chance))
    return new Promise((resolve, reject) => {
      this.#timeline.effectAt(this.#lastCompletion, () => {
        if (thread.state === 'gone') return
        try {
          this.#check(kind)
          const result = work()
          thread.run(() => resolve(result))
        } catch (cause) {
          thread.run(() => reject(cause))
        }
      })
    })
  }

  #check(kind: 'growing' | 'other'): void {
    if (this.state === 'broken') throw new DOMException('the disk is broken', 'UnknownError')
    if (this.state === 'full' && kind === 'growing') throw new DOMException('the disk is full', 'QuotaExceededError')
  }

  copies(namespace: string): readonly Copy[] {
    return this.#copies.filter((copy) => copy.namespace === namespace)
  }

  /** The copy that is in use; null when there is none. */
  current(namespace: string, document: string): Copy | null {
    return this.copies(namespace).find((copy) => copy.document === document && !copy.setAside) ?? null
  }

  /** The copy that is in use; makes one when there is none. */
  open(namespace: string, document: string): Copy {
    const current = this.current(namespace, document)
    if (current) return current
    const generation = this.#generations.get(databaseName(namespace, document)) ?? 0
    const copy: Copy = {
      id: databaseName(namespace, document, generation),
      ...{ namespace, document, history: null, account: null, setAside: null, isGone: false },
      ...{ rows: [], written: [], quarantined: [], unread: 0, marks: new Map(), openBy: new Set() },
    }
    this.#copies.push(copy)
    return copy
  }

  setAside(copy: Copy, { reason, at }: SetAside): void {
    if (copy.setAside) return
    copy.setAside = { reason, at }
    const first = databaseName(copy.namespace, copy.document)
    this.#generations.set(first, (this.#generations.get(first) ?? 0) + 1)
  }

  remove(copy: Copy, why: 'cleared' | 'deleted'): void {
    copy.isGone = true
    this.#copies = this.#copies.filter((other) => other !== copy)
    for (const user of [...copy.openBy]) user.thrownAway(why)
  }

  clear(): void {
    this.#generations.clear()
    for (const copy of this.#copies) this.remove(copy, 'cleared')
  }
}

export function readCopy({ rows }: Copy): Y.Doc {
  const doc = new Y.Doc()
  for (const row of rows) applyRow(doc, row)
  return doc
}

/** @returns whether it decoded */
export function applyRow(doc: Y.Doc, row: Uint8Array, origin?: unknown): boolean {
  return bring(doc, row, origin).kind === 'integrated'
}

export function pendingOf({ marks, unread }: Copy): number {
  return pendingIn(marks.values()) + unread
}
