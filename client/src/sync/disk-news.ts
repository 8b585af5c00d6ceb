import type { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { retryDelay } from '../link/retry.ts'
import { missing, readingOf } from '../status/positions.ts'
import { latestFacts } from '../store/latest-facts.ts'
import type { CopyFacts } from '../store/local-store.ts'
import type { SyncParts } from './parts.ts'

type Parts = Pick<
  SyncParts,
  | 'target'
  | 'means'
  | 'standing'
  | 'failures'
  | 'life'
  | 'ownership'
  | 'copy'
  | 'copyNotes'
  | 'tabs'
  | 'edits'
  | 'settingAside'
>

const retrySchedule = { kind: 'exponential', first: 2_000, factor: 2, max: 60_000, jitter: false } as const

/** Learns from the disk what other tabs did while this one could not hear them. */
export class DiskNews {
  readonly #parts: Parts
  #failures = 0
  #cancelRetry: (() => void) | null = null

  constructor(parts: Parts) {
    this.#parts = parts
    parts.life.signal.addEventListener('abort', () => this.#cancelRetry?.())
  }

  /** Asks the disk whether this is the document's copy still: a tab that was away has not heard what was said (R9.4). */
  async look(): Promise<CopyFacts | null> {
    const { means, life, copy, copyNotes, settingAside } = this.#parts
    const { clock, openTimeLimit } = means.settings
    const facts = await latestFacts(copy, {
      ...{ clock, openTimeLimit, signal: life.signal },
      onFailure: (error) => this.#failed(error),
    })
    if (life.isOver || !facts) return facts
    this.#failures = 0
    copyNotes.found(facts.history)
    if (facts.setAside) settingAside.wasSetAside(facts.setAside.reason)
    // those of another account are its own affair
    else if (this.hasUncounted(facts.marks) && this.#parts.ownership.owns(facts)) await this.#readNew()
    return facts
  }

  /** Has somebody who is gone left edits that nobody here has heard of? */
  hasUncounted(marks: CopyFacts['marks']): boolean {
    return missing(readingOf(marks).made, this.#known) > 0
  }

  /** They are read, and counted (R3.5). */
  async #readNew(): Promise<void> {
    const { target, life, copy, copyNotes, tabs, edits } = this.#parts
    const before = Y.encodeStateVector(target.doc)
    const read = await copy.readNew().catch((error: TidemarkError) => this.#failed(error))
    if (!read || life.isOver) return
    copyNotes.found(read.history)
    const { made, acknowledged } = readingOf(read.marks)
    if (missing(made, this.#known) === 0) return
    edits.held(made, acknowledged, Y.encodeStateAsUpdate(target.doc, before))
    tabs.compareAll()
  }

  /** Nobody may say another time what could not be read now. */
  #failed(error: TidemarkError): void {
    const { means, failures, life } = this.#parts
    failures.heal(error)
    if (life.isOver || this.#cancelRetry) return
    this.#failures++
    this.#cancelRetry = means.settings.clock.after(retryDelay(retrySchedule, this.#failures, 0), () => {
      this.#cancelRetry = null
      if (!life.isOver) void this.look()
    })
  }

  get #known() {
    return this.#parts.standing.situation.positions.made
  }
}
