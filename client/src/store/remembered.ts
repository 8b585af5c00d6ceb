import { type DirtyMark, remainder } from './dirty-mark.ts'
import type { Acknowledged, History } from './local-store.ts'
import { accountKey, type CopyRecord, dirtyKey, historyKey, type Records } from './records.ts'

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

  put(custom: IDBObjectStore): void {
    for (const [opening, mark] of this.#marks) custom.put(mark, dirtyKey(opening))
    if (this.history) custom.put(this.history, historyKey)
    if (this.account !== null) custom.put(this.account, accountKey)
  }
}
