import type { Vector } from '../status/positions.ts'
import { type DirtyMark, isForeign } from '../store/dirty-mark.ts'
import type { LocalCopy } from '../store/local-copy.ts'
import type { CopyFacts } from '../store/local-store.ts'

/** On whose behalf a document's pending edits were made, and with whose token they may be sent (D3.6). */
export class Ownership {
  readonly #opening: string
  readonly #copy: () => Pick<LocalCopy, 'rememberAccount' | 'speakFor'>
  /** On whose behalf this opening edits; null as long as no token has said so. */
  #account: string | null = null
  /** Whose the copy's edits are where no mark says it. */
  #owner: string | null = null
  #marks: ReadonlyMap<string, DirtyMark> = new Map()

  constructor(opening: string, copy: () => Pick<LocalCopy, 'rememberAccount' | 'speakFor'>) {
    this.#opening = opening
    this.#copy = copy
  }

  loaded({ marks, account }: Pick<CopyFacts, 'marks' | 'account'>): void {
    this.#marks = marks
    this.#owner = account ?? this.#owner
  }

  /** A token has said whose this tab is. What was edited before it is theirs, too. */
  known(account: string | null): void {
    if (account === null || this.#account !== null) return
    this.#speakFor(account)
  }

  /** An edit was made; with this token, as far as there is one. */
  edited(account: string | null): void {
    this.known(account)
    if (this.#owner === null && this.#account !== null) this.#remember(this.#account)
  }

  /**
   * May what this opening holds be sent with a token of this account?
   * @param facts of the copy; null when nobody can tell
   * @param pending what this opening knows of, and how much of it the server lacks; others' edits that are on the disk
   *   only are their affair
   */
  admits(
    account: string,
    facts: CopyFacts | null,
    pending: { readonly count: number; readonly made: Vector },
  ): boolean {
    if (pending.count === 0) return true
    if (this.#account !== null && this.#account !== account) return false
    const held: DirtyMark[] = []
    for (const [opening, mark] of facts?.marks ?? this.#marks) {
      // of its own edits this opening knows better
      if (opening !== this.#opening && mark.from <= (pending.made.get(opening) ?? 0)) held.push(mark)
    }
    return !isForeign(held, facts?.account ?? this.#owner, account)
  }

  /** Is nothing in the copy pending on behalf of another account? */
  owns({ marks, account }: CopyFacts): boolean {
    return this.#account === null || !isForeign(marks.values(), account, this.#account)
  }

  /** What was pending of others is saved or there was none: from here on it is this account's. */
  admitted(account: string): void {
    if (this.#account !== account) this.#speakFor(account)
    if (this.#owner !== account) this.#remember(account)
  }

  #speakFor(account: string): void {
    this.#account = account
    this.#copy().speakFor(account)
  }

  #remember(account: string): void {
    this.#owner = account
    this.#copy().rememberAccount(account)
  }
}
