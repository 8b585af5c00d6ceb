import type * as Y from 'yjs'
import { isJson, type Json, readJson } from './json.ts'

/** Who created, in `<client id>:<key>`: two replicas that create the same key at once do not meet in one place. */
type CreationId = string

/**
 * The entries of a store in a `Y.Doc`, in two maps: `<map>` holds what was set, and `<map>:created` what was only
 * created, each creation for itself with its time. What is set hides what was created, and of several creations the
 * first one counts. So every replica has the same entry by looking, without a repairing edit, and a default that was
 * created before the first sync never beats what somebody has written (D4.3).
 */
export class Entries {
  readonly #doc: Y.Doc
  readonly #set: Y.Map<unknown>
  readonly #created: Y.Map<unknown>
  readonly #creations = new Map<string, Set<CreationId>>()

  /** @throws {Error} when the document has something else than a map under the name */
  constructor(doc: Y.Doc, map: string) {
    this.#doc = doc
    this.#set = doc.getMap(map)
    this.#created = doc.getMap(`${map}:created`)
    for (const id of this.#created.keys()) this.#noteCreation(id)
    this.#created.observe(({ keysChanged }) => {
      for (const id of keysChanged as Set<string>) this.#noteCreation(id)
    })
  }

  /** A copy. What is not JSON, put there by others, counts as nothing. */
  get(key: string): Json | undefined {
    return readJson(this.#find(key))
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined
  }

  /** Is there something that is not JSON? */
  isForeign(key: string): boolean {
    return this.#set.has(key) && !this.has(key)
  }

  /** In an order that is the same on every replica. */
  keys(): string[] {
    const keys = new Set([...this.#set.keys(), ...this.#creations.keys()])
    return [...keys].filter((key) => this.has(key)).sort()
  }

  /** As one edit, of values that nobody changes any more. Undefined deletes. */
  write(changes: Iterable<readonly [string, Json | undefined]>, origin: unknown): void {
    this.#doc.transact(() => {
      for (const [key, value] of changes) {
        if (value !== undefined) this.#set.set(key, value)
        else if (this.#set.has(key)) this.#set.delete(key)
        for (const id of this.#creations.get(key) ?? []) if (this.#created.has(id)) this.#created.delete(id)
      }
    }, origin)
  }

  create(key: string, value: Json, at: number, origin: unknown): void {
    const id = `${this.#doc.clientID}:${key}`
    this.#doc.transact(() => {
      this.#created.set(id, { at, value })
      // within a transaction of the app's the observer is not called yet
      this.#noteCreation(id)
    }, origin)
  }

  /** @returns a function that stops listening */
  listen(changed: (keys: ReadonlySet<string>, isLocal: boolean) => void): () => void {
    const look = ({ changed: types, local }: Y.Transaction) => {
      const keys = new Set<string>()
      for (const [type, places] of types as Map<unknown, Set<string | null>>) {
        for (const place of places) {
          if (place === null) continue
          if (type === this.#set) keys.add(place)
          else if (type === this.#created) keys.add(keyOf(place))
        }
      }
      if (keys.size > 0) changed(keys, local)
    }
    this.#doc.on('afterTransaction', look)
    return () => this.#doc.off('afterTransaction', look)
  }

  #noteCreation(id: CreationId): void {
    const key = keyOf(id)
    const ids = this.#creations.get(key) ?? new Set()
    if (this.#created.has(id)) ids.add(id)
    else ids.delete(id)
    if (ids.size > 0) this.#creations.set(key, ids)
    else this.#creations.delete(key)
  }

  #find(key: string): Json | undefined {
    if (!this.#set.has(key)) return this.#firstCreation(key)?.value
    const value = this.#set.get(key)
    return isJson(value) ? value : undefined
  }

  #firstCreation(key: string): Creation | undefined {
    let first: Creation | undefined
    // sorted, so that of two at the same time every replica takes the same
    for (const id of [...(this.#creations.get(key) ?? [])].sort()) {
      const creation = this.#created.get(id)
      if (isCreation(creation) && !(first && first.at <= creation.at)) first = creation
    }
    return first
  }
}

interface Creation {
  readonly at: number
  readonly value: Json
}

function isCreation(stored: unknown): stored is Creation {
  if (typeof stored !== 'object' || stored === null) return false
  const { at, value } = stored as { readonly [name: string]: unknown }
  return typeof at === 'number' && isJson(value)
}

function keyOf(id: CreationId): string {
  return id.slice(id.indexOf(':') + 1)
}
