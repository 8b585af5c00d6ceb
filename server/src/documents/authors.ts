import type * as Y from 'yjs'
import type { Struct } from './structure.ts'

/**
 * How many Yjs clients an update adds to those whose edits a document holds. Each opening of a page that writes is one, and
 * Yjs goes through all of them twice with each edit of anybody: 900,000 took 0.3 s.
 */
export class AuthorsReading {
  readonly #document: Y.Doc | null
  readonly #added = new Set<number>()

  constructor(document: Y.Doc | null) {
    this.#document = document
  }

  /** @returns what is too much in the next part, together with those before it; null when nothing is */
  excessOf(structs: readonly Struct[], limit: number): string | null {
    const known = this.#document?.store.clients
    let last: number | null = null
    for (const { id } of structs) {
      if (id.client !== last && !known?.has(id.client)) this.#added.add(id.client)
      last = id.client
    }
    // a document may have had more before there was a limit: those go on
    return this.#added.size > 0 && this.#added.size + (known?.size ?? 0) > limit
      ? `edits of more than ${limit} Yjs clients in a document`
      : null
  }
}

/** How many clients a message about a document may name, by its size or by its limit. */
export const mostAuthors = (document: Y.Doc | null, limit: number): number =>
  limit + (document?.store.clients.size ?? 0)
