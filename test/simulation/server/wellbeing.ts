import type { Timeline } from '../../../client/src/testing/timeline.ts'
import { type DocumentName, documents } from './steps.ts'
import type { Storage } from './storage/storage.ts'

/** Since when the database has been well, for all and for each document. */
export class Wellbeing {
  readonly #timeline: Timeline
  readonly #storage: () => Storage
  readonly #since = new Map<DocumentName | 'all', number>()
  /** Documents whose rows the database refuses now, and since when; and those of which it has at some time. */
  readonly refusedSince = new Map<DocumentName, number>()
  readonly refusing = new Set<DocumentName>()
  /** Since when it has taken no edit of any document; never, while it may take some. */
  takesNothingSince = Number.POSITIVE_INFINITY

  constructor(timeline: Timeline, storage: () => Storage) {
    this.#timeline = timeline
    this.#storage = storage
  }

  /** Never, while it is not. */
  since(what: DocumentName | 'all'): number {
    return this.#since.get(what) ?? Number.POSITIVE_INFINITY
  }

  get sinceAll(): number {
    return Math.max(...(['all', ...documents] as const).map((what) => this.since(what)))
  }

  get isWell(): boolean {
    return this.#storage().troubles.isNone
  }

  forget(): void {
    this.#since.clear()
  }

  look(): void {
    const { troubles } = this.#storage()
    this.#note('all', !troubles.isGeneral)
    const { latency, cut, lockedTables, documents: single } = troubles
    // so that a commit fails at once, and for this reason
    const isPlain =
      latency.most <= 50 && cut.before + cut.after + cut.answer === 0 && lockedTables.size + single.size === 0
    const takesNothing = isPlain && (troubles.isAway || troubles.isReadOnly || troubles.isFull)
    this.takesNothingSince = takesNothing
      ? Math.min(this.takesNothingSince, this.#timeline.time)
      : Number.POSITIVE_INFINITY
    for (const name of documents) {
      const trouble = troubles.documents.get(name)
      this.#note(name, trouble === undefined)
      if (trouble !== '22021') {
        this.refusedSince.delete(name)
        continue
      }
      this.refusing.add(name)
      if (!this.refusedSince.has(name)) this.refusedSince.set(name, this.#timeline.time)
    }
  }

  #note(what: DocumentName | 'all', isWell: boolean): void {
    if (!isWell) this.#since.delete(what)
    else if (!this.#since.has(what)) this.#since.set(what, this.#timeline.time)
  }
}
