import type { Connection } from '@hocuspocus/server'
import * as frames from '../sockets/frames.ts'
import { applyInTurns } from './apply-in-turns.ts'
import type { OpenDocument } from './open-document.ts'
import { inTurns } from './pace.ts'

export interface LargeUpdatesParts {
  /** Stores what an update brought. */
  append(open: OpenDocument, update: Uint8Array, author: string | null): void
  /** What is in memory cannot be told of: the document must leave. */
  giveUp(open: OpenDocument, cause: Error): void
  /** No update is being applied any more. */
  finished(open: OpenDocument): void
}

export interface Writer {
  readonly connection: Connection
  readonly author: string | null
  /** Whether they still have the right to write. */
  counts(): boolean
}

/**
 * The updates that are too large to be applied in one go (R6.34). Until one is whole it is in memory only: nobody gets a
 * part of it and no part of it is stored, because editors take away what their schema does not allow, such as a table that
 * has no rows yet.
 */
export class LargeUpdates {
  readonly #parts: LargeUpdatesParts

  constructor(parts: LargeUpdatesParts) {
    this.#parts = parts
  }

  /**
   * Applies a client's update, and tells everybody of it; one at a time in each document.
   * @returns false when it did not count any more when its turn came
   */
  apply(open: OpenDocument, update: Uint8Array, writer: Writer): Promise<boolean> {
    const before = open.applying ?? Promise.resolve()
    const applying = before
      .then(() => this.#apply(open, update, writer))
      .finally(() => {
        if (open.applying !== applying) return
        open.applying = null
        this.#parts.finished(open)
      })
    open.applying = applying
    return applying
  }

  async #apply(open: OpenDocument, update: Uint8Array, { connection, author, counts }: Writer): Promise<boolean> {
    const { document } = open
    const isWanted = () => !document.isDestroyed && open.fault === null
    if (!isWanted() || !counts()) return false
    const origin = { source: 'connection', connection }
    const applied = await applyInTurns(document, update, { origin, isWanted })
    if (applied.kind === 'ended' || !isWanted()) return true
    if (applied.kind === 'torn') {
      this.#parts.giveUp(open, new Error('Yjs threw in the middle of a large update', { cause: applied.cause }))
      return true
    }
    for (const brought of [applied.update, applied.released]) {
      if (brought !== null) this.#parts.append(open, brought, author)
    }
    document.lastChangeTime = Date.now()
    if (applied.update !== null) await this.#tellOthers(open, applied.update, connection)
    // its writer may not have it
    if (applied.released !== null) await this.#tellOthers(open, applied.released, null)
    return true
  }

  /** Each recipient gets its own copy, of megabytes: others have their turn between them. */
  async #tellOthers({ document }: OpenDocument, update: Uint8Array, writer: Connection | null): Promise<void> {
    // what was told before comes before
    document.flush()
    const pace = inTurns()
    for (const connection of document.getConnections()) {
      if (pace.isOver()) await pace.rest()
      if (connection !== writer && document.hasConnection(connection)) {
        connection.send(frames.updateFrame(connection.messageAddress, update))
      }
    }
  }
}
