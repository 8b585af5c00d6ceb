import { type DirtyMark, ofAccount, remainder, spanning } from './dirty-mark.ts'
import type { Acknowledged, History } from './local-store.ts'
import { accountKey, type CopyRecord, historyKey, mergeMarks, type Records } from './records.ts'

/** What an opening knows of what stands beside the rows, so that it can be written again (D2.6). */
export class Remembered {
  /** Of other openings, as far as they are not acknowledged. */
  #marks = new Map<string, DirtyMark>()
  history: History | null = null
  account: string | null = null
  /** Null until it is known which database this is. */
  copy: CopyRecord | null = null

  loaded({ marks, history, account, copy }: Records): void {
    this.#marks = new Map(marks)
    this.history = history
    this.account = account
    this.copy = copy
  }

  acknowledge(acknowledged: Acknowledged): void {
    for (const [opening, position] of acknowledged) {
      const mark = this.#marks.get(opening)
      const rest = mark && remainder(mark, position)
      if (rest) this.#marks.set(opening, rest)
      else this.#marks.delete(opening)
    }
  }

  /** What was written to a database since it was made anew is of a history that is not this one (R9). */
  isOfOtherHistory({ history }: Records): boolean {
    return history !== null && this.history !== null && history.epoch !== this.history.epoch
  }

  /**
   * @param pending of the edits that are in the document, those of other tabs included: their own marks may come later
   * @param account whose tab this is, and so theirs
   */
  put(custom: IDBObjectStore, pending: ReadonlyMap<string, DirtyMark>, account: string | null): void {
    const marks = new Map(this.#marks)
    for (const [opening, mark] of pending) {
      const known = marks.get(opening)
      marks.set(opening, known ? spanning(known, mark) : ofAccount(mark, account))
    }
    // beside those that other tabs have written already
    mergeMarks(custom, marks, null)
    if (this.history) custom.put(this.history, historyKey)
    const { account: owner } = this
    const known = custom.get(accountKey)
    known.onsuccess = () => {
      if (known.result === undefined && owner !== null) custom.put(owner, accountKey)
    }
  }
}
