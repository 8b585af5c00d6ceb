/** Why nothing is read from a client for a while. */
export type Pause =
  /** The journal is full (R6.4). */
  | 'journal'
  /** Nobody is signed in here, and a token is being checked (R6.21). */
  | 'token'
  /** Too much waits for documents that are being opened (R6.21). */
  | 'early'
  /** Too much waits for its turn behind large writes (R6.34). */
  | 'late'
  /** Its address or its user has sent more than its share (R6.22). */
  | 'pace'
  /** What waits for the database is mostly theirs (R6.22). */
  | 'share'
  /** What it sent at once is done in turns (R6.41). */
  | 'turn'

/** Whether a client is read from: not while there is any reason not to. What it sends meanwhile waits on its own machine. */
export class Reading {
  readonly #reasons = new Set<Pause>()
  readonly #setPaused: (isPaused: boolean) => void

  constructor(setPaused: (isPaused: boolean) => void) {
    this.#setPaused = setPaused
  }

  get isPaused(): boolean {
    return this.#reasons.size > 0
  }

  set(reason: Pause, holds: boolean): void {
    const before = this.isPaused
    if (holds) this.#reasons.add(reason)
    else this.#reasons.delete(reason)
    if (this.isPaused !== before) this.#setPaused(this.isPaused)
  }
}
