import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { inTurns } from './pace.ts'
import type { DocumentSize } from './size.ts'
import { slicesOf } from './slices.ts'
import { checkBytes, type StoredRow } from './stored-rows.ts'
import { inShortWays, SmallUpdates } from './ways.ts'

/** The transaction origin of stored content, so that nobody takes it for an edit. */
export const loadOrigin = Symbol('tidemark load')

/** `one-by-one` tells which row it is that makes Yjs throw only after the row was applied. */
export type Grouping = 'together' | 'one-by-one'

/** A stored row that cannot be applied. */
export class DamagedRow extends Error {
  readonly row: StoredRow

  constructor(row: StoredRow, cause: unknown) {
    super('', { cause })
    this.name = 'DamagedRow'
    this.row = row
  }
}

/** Larger rows are cut into slices, as are those that go far (R6.51). */
const wholeRowBytes = 64 * 1024

/**
 * Brings stored rows into a document that nobody else has yet, a few ms at a time. Nobody hears of it: Yjs encodes an
 * update for each transaction as soon as somebody listens, which would be as much work again.
 */
export class Application {
  readonly #target: Y.Doc
  readonly #grouping: Grouping
  readonly #size: DocumentSize
  readonly #listeners: ReturnType<Y.Doc['_observers']['get']>
  readonly #pace = inTurns()
  readonly #ways: SmallUpdates

  /** @param size of the target */
  constructor(target: Y.Doc, grouping: Grouping, size: DocumentSize) {
    this.#target = target
    this.#size = size
    this.#grouping = grouping
    this.#ways = new SmallUpdates(target)
    this.#listeners = target._observers.get('update')
    target._observers.delete('update')
  }

  /** From here on those who listened to the document hear of its updates again. */
  end(): void {
    if (this.#listeners) this.#target._observers.set('update', this.#listeners)
  }

  /**
   * @throws {DamagedRow} for the first row that cannot be applied
   * @throws {TidemarkError} when the document does not fit into memory: `document-load-failed` if it never will, and
   * `server-busy` if others need too much of it just now
   */
  async apply(rows: readonly StoredRow[]): Promise<void> {
    for (let next = 0; next < rows.length; ) {
      const row = rows[next] as StoredRow
      if (this.#grouping === 'one-by-one' || row.bytes.byteLength > wholeRowBytes || this.#ways.goesFar(row.bytes)) {
        await this.#applySliced(row)
        next++
      } else {
        next = this.#applyTogether(rows, next)
      }
      await this.#expectMemory()
      await this.#rest()
    }
  }

  /** Small rows in one transaction, which costs less. @returns where the next one begins */
  #applyTogether(rows: readonly StoredRow[], from: number): number {
    let next = from
    this.#target.transact(() => {
      for (let row = rows[next]; row && row.bytes.byteLength <= wholeRowBytes; row = rows[++next]) {
        const { bytes } = row
        attempt(row, () => {
          checkBytes(row)
          Y.applyUpdate(this.#target, bytes)
        })
        const after = rows[next + 1]
        if (this.#pace.isOver() || (after && this.#ways.goesFar(after.bytes))) {
          next++
          return
        }
      }
    }, loadOrigin)
    return next
  }

  async #applySliced(row: StoredRow): Promise<void> {
    this.#ways.grow(row.bytes.byteLength)
    attempt(row, () => checkBytes(row))
    const slices = slicesOf(row.bytes)
    for (;;) {
      await this.#rest()
      const next = attempt(row, () => slices.next())
      if (next.done) return
      const { update } = next.value
      for (const part of update ? inShortWays(update, this.#target) : []) {
        attempt(row, () => Y.applyUpdate(this.#target, part, loadOrigin))
        await this.#expectMemory()
        await this.#rest()
      }
    }
  }

  async #rest(): Promise<void> {
    if (this.#pace.isOver()) await this.#pace.rest()
  }

  /** A process that runs out of memory takes all documents along (R6). */
  async #expectMemory(): Promise<void> {
    const size = this.#size
    const { memory } = size
    const isTooLarge = () => size.heap > memory.loading
    const hasRoom = () => memory.hasRoomFor(size.heap, size.heap)
    if (!isTooLarge() && hasRoom()) return
    await size.measure()
    if (isTooLarge()) {
      const mib = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`
      throw new TidemarkError('document-load-failed', undefined, {
        cause: new Error(
          `it needs more than ${mib(size.heap)} of memory, and this process may use ${mib(memory.limit)}: ` +
            'start it with more (NODE_OPTIONS=--max-old-space-size=<MiB>)',
        ),
      })
    }
    if (hasRoom()) return
    throw new TidemarkError('server-busy', undefined, { cause: new Error('there is too little memory left for it') })
  }
}

function attempt<Value>(row: StoredRow, action: () => Value): Value {
  try {
    return action()
  } catch (cause) {
    throw new DamagedRow(row, cause)
  }
}
