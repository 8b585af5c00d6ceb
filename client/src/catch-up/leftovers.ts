import type { Clock } from '@tidemark/shared'
import type { CatchUpResult } from './catch-up.ts'

/** ms after which documents that nobody has open are seen to: those in front of the person come first. */
const soon = 5_000
const again = 60_000

export interface LeftoversMeans {
  readonly clock: Clock
  /** Can anything be sent now, as far as is known? */
  readonly isWorthTrying: () => boolean
  /**
   * @param names null: whatever this device holds
   * @returns null when another tab is at it
   */
  readonly catchUp: (names: readonly string[] | null) => Promise<readonly CatchUpResult[] | null>
}

/**
 * Sends what is pending in documents that nobody has open (R3.2): what an earlier time has left on this device, once
 * there is a connection, and what was closed before it was saved.
 */
export class Leftovers {
  readonly #means: LeftoversMeans
  readonly #names = new Set<string>()
  #hasLooked = false
  #isBusy = false
  #isClosed = false
  #cancel: (() => void) | null = null

  constructor(means: LeftoversMeans) {
    this.#means = means
  }

  connected(): void {
    if (!this.#hasLooked || this.#names.size > 0) this.#later(soon)
  }

  /** A document was closed with edits pending. */
  left(name: string): void {
    this.#names.add(name)
    if (!this.#cancel) this.#later(soon)
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  #later(delay: number): void {
    if (this.#isBusy || this.#isClosed) return
    this.#cancel?.()
    this.#cancel = this.#means.clock.after(delay, () => {
      this.#cancel = null
      if (!this.#means.isWorthTrying()) this.#later(again)
      else void this.#see()
    })
  }

  async #see(): Promise<void> {
    this.#isBusy = true
    // a copy that cannot be listed is found another time
    const results = await this.#means.catchUp(this.#hasLooked ? [...this.#names] : null).catch(() => null)
    this.#isBusy = false
    for (const result of results ?? []) {
      // what only a person can heal is theirs to try again, when they open the document
      const isOver = result.outcome === 'saved' || (result.error.persistent && result.error.code !== 'document-closed')
      if (isOver) this.#names.delete(result.name)
      else this.#names.add(result.name)
    }
    if (results) this.#hasLooked = true
    if (!results || this.#names.size > 0) this.#later(again)
  }
}
