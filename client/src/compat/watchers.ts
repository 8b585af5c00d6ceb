import { Emitter } from '@tidemark/shared'
import type { Entries } from './entries.ts'
import { isEqual, type Json } from './json.ts'

/** All keys, for those who watch; so it is not a key. */
export const everything = '*'

export interface Change {
  readonly key: string
  /** Undefined when the entry is gone. */
  readonly value: Json | undefined
  /** Undefined when there was no entry. */
  readonly previous: Json | undefined
  /** Made in this tab; otherwise by another tab or person, or loaded. */
  readonly isLocal: boolean
}

/** Tells changes of what is visible; listens to the document only while somebody watches. */
export class Watchers {
  readonly #entries: Entries
  readonly #emitter = new Emitter<Record<string, Change>>()
  #count = 0
  #unlisten: (() => void) | null = null
  /** What was told last. */
  #shown = new Map<string, Json>()

  constructor(entries: Entries) {
    this.#entries = entries
  }

  add(key: string, listener: (change: Change) => void): () => void {
    if (this.#count++ === 0) this.#begin()
    // of its own, so that the same listener may watch twice
    const off = this.#emitter.on(key, (change) => listener(change))
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      off()
      if (--this.#count === 0) this.#end()
    }
  }

  #begin(): void {
    for (const key of this.#entries.keys()) this.#note(key)
    this.#unlisten = this.#entries.listen((keys, isLocal) => {
      for (const key of keys) {
        const previous = this.#shown.get(key)
        this.#note(key)
        const value = this.#entries.get(key)
        if (isEqual(value, previous)) continue
        const change = { key, value, previous, isLocal }
        this.#emitter.emit(key, change)
        this.#emitter.emit(everything, change)
      }
    })
  }

  #note(key: string): void {
    const value = this.#entries.get(key)
    if (value === undefined) this.#shown.delete(key)
    else this.#shown.set(key, value)
  }

  #end(): void {
    this.#unlisten?.()
    this.#unlisten = null
    this.#shown.clear()
  }
}
