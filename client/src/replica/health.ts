import * as Y from 'yjs'
import { isIdle } from './internals.ts'

const known = new WeakSet<Y.Doc>()

/** Was this one found to be broken? It stays that. */
export function isKnownBroken(doc: Y.Doc): boolean {
  return known.has(doc)
}

/**
 * Notices that a `Y.Doc` is broken: an error has cut short what Yjs does at the end of a transaction (listeners that
 * transact in each other ten thousand deep do it), and whatever is written from then on is told to nobody. Looked at
 * after each task that writes, which costs the same whatever the size of the document.
 */
export class Health {
  readonly #doc: Y.Doc
  readonly #onBroken: () => void
  #isDue = false
  #isBroken = false
  #isOver = false
  #hasChanged = false

  constructor(doc: Y.Doc, onBroken: () => void) {
    this.#doc = doc
    this.#onBroken = onBroken
    doc.on('beforeTransaction', this.#onTransaction)
    this.look()
  }

  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Was the broken document written to since it was last taken note of? */
  takeChange(): boolean {
    const hasChanged = this.#hasChanged
    this.#hasChanged = false
    return hasChanged
  }

  /** Looks as soon as nothing runs any more: while a transaction is under way, nothing can be said. */
  look(): void {
    if (this.#isDue || this.#isBroken || this.#isOver) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      this.lookNow()
    })
  }

  /** To be called where no transaction can be under way. */
  lookNow(): void {
    if (this.#isBroken || this.#isOver || isIdle(this.#doc)) return
    this.#isBroken = true
    known.add(this.#doc)
    this.#onBroken()
  }

  stop(): void {
    this.#isOver = true
    this.#doc.off('beforeTransaction', this.#onTransaction)
  }

  readonly #onTransaction = (): void => {
    if (this.#isBroken) this.#hasChanged = true
    else this.look()
  }
}

/**
 * All that a broken document holds, as an update; null when that cannot be trusted: Yjs may have been stopped between
 * two steps that belong together.
 */
export function rescue(doc: Y.Doc): Uint8Array | null {
  const copy = new Y.Doc()
  try {
    const update = Y.encodeStateAsUpdate(doc)
    Y.applyUpdate(copy, update)
    const isWhole = [...Y.decodeStateVector(Y.encodeStateVector(doc))].every(
      ([client, clock]) => Y.getState(copy.store, client) >= clock,
    )
    return isWhole ? update : null
  } catch {
    return null
  } finally {
    copy.destroy()
  }
}
