import * as Y from 'yjs'

/** What an edit says of the Yjs clients it comes from. */
interface Ends {
  /** For each Yjs client, the clock behind its last struct. */
  readonly ends: ReadonlyMap<number, number>
}

interface Held {
  /** What is stored of this client ends here; everything behind waits. */
  readonly from: number
  readonly until: number
  readonly delay: number
}

/** How long what could not be stored is not tried again, in ms: doubled each time. */
const firstDelay = 1_000
const longestDelay = 300_000
/** Between the next tries of several writers, in ms, so that one who is not at fault is tried alone. */
const apart = 500
const largestCount = 1_000

/**
 * Edits that the database refused for good (`document-write-failed`). Their writers still hold them and send them again
 * as soon as they are back, and each time the document would have to leave memory under everybody else. So they are
 * refused at the gate, and let through once in a while, ever more seldom: what was wrong may have been mended (R6.14).
 */
export class Unstorable {
  /** The state of a document that failed, until it can be compared with what is stored. */
  readonly #failed = new Map<string, Map<number, number>>()
  readonly #held = new Map<string, Map<number, Held>>()

  /** An update of this document cannot be stored; which one is seen when it is opened again. */
  failed(name: string, document: Y.Doc): void {
    this.#failed.set(name, Y.decodeStateVector(Y.encodeStateVector(document)))
    // the oldest goes: it is tried again a little too soon
    for (const [oldest] of this.#failed.size > largestCount ? this.#failed : []) {
      this.#failed.delete(oldest)
      break
    }
  }

  /**
   * When an edit may be tried again; null when nothing is known against it.
   * @param document the document as it is open now, null while it is not
   * @param now in ms
   */
  heldUntil(name: string, document: Y.Doc | null, { ends }: Ends, now: number): number | null {
    const failed = this.#failed.get(name)
    if (failed && !document) {
      for (const client of ends.keys()) if (failed.has(client)) return now + firstDelay
      return null
    }
    if (failed && document) this.#compare(name, document, failed, now)
    const held = this.#held.get(name)
    if (!held) return null
    for (const [client, end] of ends) {
      const { from, until } = held.get(client) ?? { from: 0, until: 0 }
      if (end > from && now < until) return until
    }
    return null
  }

  #compare(name: string, { store }: Y.Doc, failed: ReadonlyMap<number, number>, now: number): void {
    this.#failed.delete(name)
    const before = this.#held.get(name)
    const held = new Map<number, Held>()
    for (const [client, clock] of failed) {
      const from = Y.getState(store, client)
      if (from >= clock) continue
      const earlier = before?.get(client)
      const delay = earlier ? Math.min(longestDelay, 2 * earlier.delay) : firstDelay
      held.set(client, { from, delay, until: now + delay + apart * held.size })
    }
    // those that were not tried this time wait as before
    for (const [client, entry] of before ?? []) {
      if (!held.has(client) && Y.getState(store, client) <= entry.from) held.set(client, entry)
    }
    this.#held.delete(name)
    if (held.size > 0) this.#held.set(name, held)
    for (const [oldest] of this.#held.size > largestCount ? this.#held : []) {
      this.#held.delete(oldest)
      break
    }
  }
}
