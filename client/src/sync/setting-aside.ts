import { TidemarkError } from '@tidemark/shared'
import type { SetAside } from '../store/local-store.ts'
import type { SyncParts } from './parts.ts'

/** ms after which a copy that could not be set aside is tried again. */
const mismatchPatience = 5_000

type Parts = Pick<SyncParts, 'means' | 'standing' | 'failures' | 'life' | 'copy' | 'tabs' | 'edits' | 'membership'>

/** Ends the copy's history, here and in the other tabs; what it holds stays as it is (R9). */
export class SettingAside {
  readonly #parts: Parts
  readonly #onSetAside: (error: TidemarkError) => void
  #cancelRetry = () => {}
  #leaving: Promise<void> | null = null

  constructor(parts: Parts, onSetAside: (error: TidemarkError) => void) {
    this.#parts = parts
    this.#onSetAside = onSetAside
  }

  /** Begins a new copy, in all tabs; this one stays as it is (R9.4). */
  async setAside(reason: SetAside['reason']): Promise<void> {
    const { means, copy, tabs, membership } = this.#parts
    await copy.setAside({ reason, at: means.settings.clock.now() })
    tabs.tellSetAside(reason)
    membership.saySetAside()
    this.wasSetAside(reason)
  }

  /** Another tab has set it aside. */
  heard(reason: SetAside['reason']): void {
    const { means, copy } = this.#parts
    // said once more on the disk, as this tab's store must know it, too
    void copy.setAside({ reason, at: means.settings.clock.now() }).catch(() => {})
    this.wasSetAside(reason)
  }

  /** Tries until it is written down: until then nothing of this document is sent (R9.2). */
  async mismatched(): Promise<void> {
    const { means, failures, life } = this.#parts
    try {
      await this.setAside('epoch-mismatch')
    } catch (cause) {
      const error = cause as TidemarkError
      if (life.isOver || error.code === 'document-closed') return
      failures.report(error)
      // A copy that is lost stands in nobody's way: what the page has of it is kept apart when the document is closed.
      if (error.code === 'local-storage-unavailable') {
        this.wasSetAside('epoch-mismatch')
        return
      }
      this.#cancelRetry = means.settings.clock.after(mismatchPatience, () => void this.mismatched())
    }
  }

  /** Settles when all that has to go into the copy has been handed to it; null when nothing has. */
  get leaving(): Promise<void> | null {
    return this.#leaving
  }

  wasSetAside(reason: SetAside['reason']): void {
    const { means, standing, life, tabs, edits, membership } = this.#parts
    if (life.isOver) return
    life.end()
    this.#leaving = edits.leftBy(tabs.takeUnstored())
    membership.part()
    const error = new TidemarkError(reason === 'epoch-mismatch' ? 'epoch-mismatch' : 'document-closed')
    standing.happened({ type: 'obstructed', error, at: means.settings.clock.now() })
    this.#onSetAside(error)
  }

  close(): void {
    this.#cancelRetry()
  }
}
