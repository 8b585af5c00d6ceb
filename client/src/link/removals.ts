import * as Y from 'yjs'
import type { LinkMeans } from './contract.ts'
import { retryDelay } from './retry.ts'

/**
 * A document that had no room for an edit is tried again after something was removed from it (R8.5): the next handshake
 * carries what was refused, and what was removed.
 */
export class Removals {
  readonly #means: Pick<LinkMeans, 'clock' | 'retry' | 'together'>
  readonly #tryAgain: () => void
  #cancel: (() => void) | null = null

  constructor(means: Pick<LinkMeans, 'clock' | 'retry' | 'together'>, tryAgain: () => void) {
    this.#means = means
    this.#tryAgain = tryAgain
  }

  /** @param failures how often it failed already: each try sends all of it */
  edited(update: Uint8Array, failures: number): void {
    if (this.#cancel || Y.decodeUpdate(update).ds.clients.size === 0) return
    const { clock, retry, together } = this.#means
    this.#cancel = clock.after(retryDelay(retry, failures, clock.random()), () =>
      together(() => {
        this.#cancel = null
        this.#tryAgain()
      }),
    )
  }

  forget(): void {
    this.#cancel?.()
    this.#cancel = null
  }
}
