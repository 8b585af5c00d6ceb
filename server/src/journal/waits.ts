import type { Clock } from '@tidemark/shared'
import type { JournalLine } from './line.ts'
import { patience } from './patience.ts'

export interface WaitsParts {
  clock: Clock
  /** Whether the database takes commits; while it does not, everybody hears of that. */
  isAvailable(): boolean
  /** What is in the way of a document, as far as it was found out. */
  causeOf(line: JournalLine): unknown
  /** Nothing of the document was stored for so long that its people must hear of it; `cause` is null when that is over. */
  tell(line: JournalLine, cause: unknown): void
}

interface Wait {
  since: number
  /** Since when that waits which is not in the try that is under way; null when there is no such thing. */
  behind: number | null
}

/** Since when each document waits to be stored, in whatever line it stands: its people hear of it in time (R5.5, R6.18). */
export class Waits {
  readonly #parts: WaitsParts
  /** Those of whom nobody has been told. */
  readonly #waits = new Map<JournalLine, Wait>()
  #cancel: (() => void) | null = null
  #closed = false

  constructor(parts: WaitsParts) {
    this.#parts = parts
  }

  /** Something of the document waits, behind whatever else of it does. */
  begin(line: JournalLine): void {
    const wait = this.#waits.get(line)
    if (!wait) this.#begin(line, this.#parts.clock.now())
    else wait.behind ??= this.#parts.clock.now()
  }

  /** All that waits of the document is being tried. */
  tried(line: JournalLine): void {
    const wait = this.#waits.get(line)
    if (wait) wait.behind = null
  }

  /** It is stored, if only beside others: where two processes write to one document all the time, that is no trouble. */
  goesOn(line: JournalLine): void {
    const behind = this.#waits.get(line)?.behind
    this.end(line)
    if (!line.isDurable) this.#begin(line, behind ?? this.#parts.clock.now())
  }

  end(line: JournalLine): void {
    this.#waits.delete(line)
    if (!line.isTroubled) return
    line.isTroubled = false
    // its sessions have ended; those of the document now may be in a trouble of their own
    if (!line.failure) this.#parts.tell(line, null)
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
  }

  #begin(line: JournalLine, since: number): void {
    if (this.#closed) return
    this.#waits.set(line, { since, behind: null })
    if (!this.#cancel) this.#lookAgain()
  }

  #lookAgain(): void {
    this.#cancel = this.#parts.clock.after(patience.lookMs, () => {
      this.#cancel = null
      this.#look()
      if (this.#waits.size > 0) this.#lookAgain()
    })
  }

  #look(): void {
    const now = this.#parts.clock.now()
    for (const [line, wait] of this.#waits) {
      const waited = now - wait.since
      // a clock that was set back says nothing of how long that was
      if (waited < 0 || !this.#parts.isAvailable()) {
        wait.since = now
        wait.behind = null
      } else if (waited >= patience.tellMs) {
        this.#waits.delete(line)
        if (!line.failure && !line.isTroubled) this.#tell(line)
      }
    }
  }

  #tell(line: JournalLine): void {
    line.isTroubled = true
    const { causeOf, tell } = this.#parts
    tell(line, causeOf(line) ?? new Error(`nothing of it was stored for ${patience.tellMs} ms`))
  }
}
