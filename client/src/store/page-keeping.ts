import type { Clock } from '@tidemark/shared'
import { CloseGuard } from '../guard.ts'
import { mergeInGroups } from '../link/merge.ts'
import { retryDelay } from '../link/retry.ts'
import { type DirtyMark, isForeign, pendingIn } from './dirty-mark.ts'
import type { History } from './local-store.ts'

/** Edits of a closed document that are kept neither on this device nor on the server: only this page has them. */
export interface UnkeptEdits {
  readonly update: Uint8Array
  /** By the opening whose edits they are. */
  readonly marks: ReadonlyMap<string, DirtyMark>
  readonly history: History | null
  readonly account: string | null
}

export interface HeldEdits extends UnkeptEdits {
  /** The document with them: where they cannot join its copy, they are read together with what they stand on. */
  readonly whole: Uint8Array
}

export interface Holding {
  readonly document: string
  readonly clock: Clock
  /** Whether closing the tab asks while they are held. */
  readonly asks: boolean
  /** Tries to store them. Null where nothing is to be stored on this device. */
  readonly store: ((edits: HeldEdits) => Promise<void>) | null
}

/** An opening that could have what is held, with what it has loaded. */
export interface Taker {
  readonly history: History | null
  readonly marks: ReadonlyMap<string, DirtyMark>
  /** Whose the copy's edits are where no mark says it. */
  readonly owner: string | null
  /** On whose behalf it is opened; null when nobody can say. */
  readonly account: string | null
  /** May what this account made be in its copy, wherever that is (D3.9)? */
  readonly isOurs: (account: string) => boolean
}

interface Held extends Holding {
  readonly edits: HeldEdits
  failures: number
  cancel: () => void
}

const retrySchedule = { kind: 'exponential', first: 1_000, factor: 2, max: 30_000, jitter: false } as const

const pages = new WeakMap<object, PageKeeping>()

/**
 * What one page still does for documents that it has closed: it lets an opening read a copy only when the former ones
 * have written to it, and keeps what they could keep nowhere until it is stored, or the document is opened again (R3.5).
 * Copies go by the names of their documents' first databases. It belongs to the page, not to a client: clients come
 * and go.
 */
export class PageKeeping {
  readonly #guard = new CloseGuard()
  readonly #endings = new Map<string, Set<Promise<unknown>>>()
  readonly #held = new Map<string, Set<Held>>()

  /** @param page what there is one of in each page */
  static of(page: object): PageKeeping {
    let keeping = pages.get(page)
    if (!keeping) pages.set(page, (keeping = new PageKeeping()))
    return keeping
  }

  /** An opening of this copy still writes, until `work` is settled. */
  ending(name: string, work: Promise<unknown>): void {
    const endings = this.#endings.get(name) ?? new Set()
    this.#endings.set(name, endings)
    const ending = work
      .catch(() => {})
      .finally(() => {
        endings.delete(ending)
        if (endings.size === 0 && this.#endings.get(name) === endings) this.#endings.delete(name)
      })
    endings.add(ending)
  }

  /** Settles when nothing is written any more by openings that were closed in this page before. */
  async whenEnded(name: string): Promise<void> {
    await Promise.all(this.#endings.get(name) ?? [])
  }

  /** @returns a function that lets go of them: they are stored after all */
  hold(name: string, edits: HeldEdits, how: Holding): () => void {
    const held: Held = { ...how, edits, failures: 0, cancel() {} }
    const all = this.#held.get(name) ?? new Set()
    this.#held.set(name, all.add(held))
    if (how.asks) this.#guard.set(held, true)
    this.#storeLater(name, held)
    return () => this.#release(name, held)
  }

  /** How many edits only this page has. */
  pendingCount(name: string): number {
    let count = 0
    for (const { edits } of this.#held.get(name) ?? []) count += pendingIn(edits.marks.values())
    return count
  }

  /** The documents, among the copies whose names begin like this, of which something is held. */
  documents(prefix: string): string[] {
    const all = [...this.#held].filter(([name]) => name.startsWith(prefix))
    return all.flatMap(([, held]) => [...held].map(({ document }) => document))
  }

  /** Hands what is held to an opening whose copy is the one that they belong to; it has them from here on. */
  take(name: string, taker: Taker): HeldEdits | null {
    const theirs = [...(this.#held.get(name) ?? [])].filter(({ edits }) => mayTake(taker, edits))
    const [first] = theirs
    if (!first) return null
    // one opening speaks for one account
    const taken = theirs.filter(({ edits }) => edits.account === first.edits.account)
    for (const held of taken) this.#release(name, held)
    return {
      update: mergeInGroups(taken.map(({ edits }) => edits.update)),
      whole: mergeInGroups(taken.map(({ edits }) => edits.whole)),
      marks: new Map(taken.flatMap(({ edits }) => [...edits.marks])),
      history: first.edits.history,
      account: first.edits.account,
    }
  }

  /** What `whose` keeps in this page is, or is not any more, kept nowhere else. */
  ask(whose: object, isUnsafe: boolean): void {
    this.#guard.set(whose, isUnsafe)
  }

  /**
   * Their document is being deleted: until that is decided they are not stored.
   * @returns to be told: are they deleted with it?
   */
  deleting(name: string): (isDeleted: boolean) => void {
    const all = [...(this.#held.get(name) ?? [])]
    for (const held of all) held.cancel()
    return (isDeleted) => {
      for (const held of all) {
        if (isDeleted) this.#release(name, held)
        else if (this.#held.get(name)?.has(held)) this.#storeLater(name, held)
      }
    }
  }

  #release(name: string, held: Held): void {
    held.cancel()
    this.#guard.set(held, false)
    const all = this.#held.get(name)
    if (all?.delete(held) && all.size === 0) this.#held.delete(name)
  }

  #storeLater(name: string, held: Held): void {
    const { store, clock } = held
    if (!store) return
    held.failures++
    held.cancel = clock.after(retryDelay(retrySchedule, held.failures, 0), () => {
      const storing = store(held.edits).then(
        () => this.#release(name, held),
        () => {
          if (this.#held.get(name)?.has(held)) this.#storeLater(name, held)
        },
      )
      // an opening that comes meanwhile waits, and finds them in one place
      this.ending(name, storing)
    })
  }
}

/** They go out on behalf of whoever takes them (D3.6). */
function mayTake(taker: Taker, { history, account }: HeldEdits): boolean {
  if (history && taker.history && history.epoch !== taker.history.epoch) return false
  if (account === null) return true
  if (!taker.isOurs(account)) return false
  const isHis = taker.account === null || taker.account === account
  return isHis && !isForeign(taker.marks.values(), taker.owner, account)
}
