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

/** Since when each document waits to be stored, in whatever line it stands: its people hear of it in time (R5.5, R6.18). */
export class Waits {
  readonly #parts: WaitsParts
  /** Those of whom nobody has been told, the longest first. */
  readonly #since = new Map<JournalLine, number>()
  #cancel: (() => void) | null = null
  #closed = false

  constructor(parts: WaitsParts) {
    this.#parts = parts
  }

  begin(line: JournalLine): void {
    if (this.#closed || this.#since.has(line)) return
    this.#since.set(line, this.#parts.clock.now())
    if (!this.#cancel) this.#lookAfter(patience.tellMs)
  }

  /** It is stored, if only beside others: where two processes write to one document all the time, that is no trouble. */
  goesOn(line: JournalLine): void {
    this.end(line)
    if (!line.isDurable) this.begin(line)
  }

  end(line: JournalLine): void {
    this.#since.delete(line)
    if (!line.isTroubled) return
    line.isTroubled = false
    this.#parts.tell(line, null)
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
  }

  #tell(line: JournalLine): void {
    line.isTroubled = true
    const { causeOf, tell } = this.#parts
    tell(line, causeOf(line) ?? new Error(`nothing of it was stored for ${patience.tellMs} ms`))
  }

  #lookAfter(ms: number): void {
    this.#cancel = this.#parts.clock.after(ms, () => {
      this.#cancel = null
      this.#look()
    })
  }

  #look(): void {
    const now = this.#parts.clock.now()
    for (const [line, since] of this.#since) {
      const waited = now - since
      // a clock that was set back says nothing of how long that was
      if (waited < 0 || !this.#parts.isAvailable()) {
        this.#since.set(line, now)
      } else if (waited >= patience.tellMs) {
        this.#since.delete(line)
        if (!line.failure && !line.isTroubled) this.#tell(line)
      }
    }
    for (const since of this.#since.values()) {
      this.#lookAfter(Math.max(1, patience.tellMs - (now - since)))
      break
    }
  }
}
