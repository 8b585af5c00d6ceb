import type { Connection, Document } from '@hocuspocus/server'
import type { Clock } from '@tidemark/shared'
import type { PresenceLimits } from './allowance.ts'
import { Presence } from './presence.ts'

/** The presence of every document in memory. */
export class Presences {
  readonly #of = new WeakMap<Document, Presence>()
  readonly #limits: PresenceLimits
  readonly #clock: Clock

  constructor(limits: PresenceLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** A document has been loaded, and is not handed out yet. */
  loaded(document: Document): void {
    this.#of.set(document, new Presence(document, this.#limits, this.#clock))
  }

  /** As {@link Presence.receive} does. */
  receive(connection: Connection, update: Uint8Array): Error | null {
    return this.#of.get(connection.document)?.receive(connection, update) ?? null
  }
}
