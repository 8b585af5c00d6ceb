import { backoff, type Pauses } from './pauses.ts'

export type StorageState = { available: true } | { available: false; cause: unknown; attempt: number }

export interface AvailabilityParts {
  /** Rejects, or hangs, while nothing could be committed. */
  probe(): Promise<unknown>
  pauses: Pauses
  changed(state: StorageState): void
}

type State = 'available' | 'away' | 'takes-nothing'

const longestRetryMs = 1_000

/**
 * Whether the database takes commits: a fact about the database, and not about one document that it does not take (R6.18).
 * Nobody's edit is needed to find out that it is back (R5.8).
 */
export class Availability {
  readonly #parts: AvailabilityParts
  #state: State = 'available'
  #probing: Promise<boolean> | null = null
  #closed = false
  #waiting: (() => void)[] = []

  constructor(parts: AvailabilityParts) {
    this.#parts = parts
  }

  get available(): boolean {
    return this.#state === 'available'
  }

  /** Resolves when it makes sense to try a commit: at once, unless the database is away. */
  async whenAnswering(): Promise<void> {
    while (this.#state === 'away' && !this.#closed) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /**
   * A commit failed, or takes long: asks the database itself, for `limitMs` at most.
   * @returns whether it answers; if not, everybody is told, and it is asked until it does
   */
  async isAnswering(limitMs: number, cause: unknown, attempt: number): Promise<boolean> {
    const answers = await this.#parts.pauses.within(limitMs, this.#probe(), false)
    if (answers || this.#closed) return answers
    if (this.#state !== 'away') {
      this.#set('away', { available: false, cause, attempt })
      void this.#recover()
    }
    return false
  }

  /** A commit failed for a reason that speaks of the database (a full disk), and none of another document went well. */
  takesNothing(cause: unknown, attempt: number): void {
    if (this.available) this.#set('takes-nothing', { available: false, cause, attempt })
  }

  /** Something was committed. */
  committed(): void {
    if (this.#state !== 'available') this.#set('available', { available: true })
  }

  /** Nothing waits any more whose commit would show that things go on. */
  async lookAgain(): Promise<void> {
    if (this.#state === 'takes-nothing' && (await this.#probe())) this.committed()
  }

  close(): void {
    this.#closed = true
    this.#release()
  }

  async #recover(): Promise<void> {
    for (let attempt = 1; this.#state === 'away' && !this.#closed; attempt++) {
      await this.#parts.pauses.pause(backoff(attempt, longestRetryMs))
      if (await this.#probe()) this.committed()
    }
  }

  /** One question at a time: each that hangs holds a connection. */
  #probe(): Promise<boolean> {
    this.#probing ??= this.#parts
      .probe()
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        this.#probing = null
      })
    return this.#probing
  }

  #set(state: State, told: StorageState): void {
    this.#state = state
    if (state !== 'away') this.#release()
    this.#parts.changed(told)
  }

  #release(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
