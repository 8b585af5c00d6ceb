import { type Clock, systemClock, TidemarkError } from '@tidemark/shared'
import type { TidemarkDocument } from '../document.ts'
import { alone, type Locks } from './alone.ts'
import { Entries } from './entries.ts'
import { copyJson, freeze, isEqual, type Json } from './json.ts'
import { type Change, everything, Watchers } from './watchers.ts'

/**
 * The app's rule for what may be stored; asked before each change, deletions included (`value` is undefined then).
 * It accepts with undefined, null or true. It refuses by throwing or with anything else; a string is the reason.
 * The value is frozen.
 */
export type Validate = (
  key: string,
  value: Json | undefined,
  context: { readonly previous: Json | undefined },
) => unknown

export interface StoreOptions {
  /** The name of the `Y.Map` in the document; what was only created is in `<map>:created`. Default `store`. */
  readonly map?: string
  readonly validate?: Validate
  /** For tests and simulations. */
  readonly clock?: Clock
  readonly locks?: Locks | null
}

type Changes = readonly (readonly [string, Json | undefined])[]

/** Keys and JSON values in a document. Made by {@link createStore}. */
export class KeyValueStore {
  /** What this device holds of the document is here. Never rejects. */
  readonly whenLoaded: Promise<void>
  readonly #document: TidemarkDocument
  readonly #map: string
  readonly #validate: Validate | undefined
  readonly #clock: Clock
  readonly #locks: Locks | null
  readonly #entries: Entries
  readonly #watchers: Watchers
  /** What was written before the copy on this device was loaded; null from then on. */
  #early: Map<string, Json | undefined> | null = new Map()

  /** @internal use {@link createStore} */
  constructor(document: TidemarkDocument, options: StoreOptions) {
    this.#document = document
    this.#map = options.map ?? 'store'
    this.#validate = options.validate
    this.#clock = options.clock ?? systemClock
    this.#locks = options.locks === undefined ? (globalThis.navigator?.locks ?? null) : options.locks
    try {
      this.#entries = new Entries(document.doc, this.#map)
    } catch (cause) {
      const message = 'The document has something else under the name of this store.'
      throw new TidemarkError('configuration-invalid', message, { cause })
    }
    this.#watchers = new Watchers(this.#entries)
    this.whenLoaded = document.whenLoaded.then(() => this.#loaded())
  }

  /** A copy of the value, or undefined. Never throws, whatever else is in the document. */
  get(key: string): Json | undefined {
    return this.#entries.get(key)
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** Sorted. */
  keys(): string[] {
    return this.#entries.keys()
  }

  entries(): [string, Json][] {
    return this.keys().map((key) => [key, this.get(key) as Json])
  }

  /**
   * Stores a copy of a JSON value, at once. A value equal to the stored one is no edit.
   * @throws {TidemarkError} `value-invalid` (not JSON, or refused by `validate`), `read-only`, `document-closed`.
   *   Nothing is stored then, and the document's `error` event says the same.
   */
  set(key: string, value: unknown): void {
    this.setMany([[key, value]])
  }

  /** Stores all of them as one edit, or nothing. @throws {TidemarkError} as {@link set} */
  setMany(entries: Iterable<readonly [string, unknown]> | { readonly [key: string]: unknown }): void {
    const pairs = Symbol.iterator in entries ? [...entries] : Object.entries(entries)
    this.#change(pairs.map(([key, value]) => [key, this.#json(value)]))
  }

  /** @returns whether there was an entry. @throws {TidemarkError} as {@link set} */
  delete(key: string): boolean {
    const existed = this.has(key)
    this.#change([[key, undefined]])
    return existed
  }

  /**
   * Tells each change of what {@link get} gives, in the tick it happens: of one key, or of all with `*`.
   * @returns a function that stops it
   */
  watch(key: string, listener: (change: Change) => void): () => void {
    return this.#watchers.add(key, listener)
  }

  /**
   * Gives the entry, made first if there is none. Tabs of one browser that ask at once make one entry (D4.3). Of
   * several devices that each made one while they could not hear each other, the first one counts; and what was set
   * counts before what was only created.
   * @param make gives the value. Called only when there is no entry; other tabs wait for it
   * @throws {TidemarkError} as {@link set}; `value-invalid` also when there is something that is not JSON
   */
  async createIfAbsent(key: string, make: () => unknown): Promise<{ value: Json; created: boolean }> {
    await this.whenLoaded
    const name = `tidemark:create:${JSON.stringify([this.#document.name, this.#map, key])}`
    return alone(this.#locks, this.#clock, name, async () => {
      await this.#document.whenTabsAgree()
      const isThere = this.has(key)
      const made = isThere ? undefined : await make()
      // looked at again: it may have come from elsewhere meanwhile
      const existing = this.get(key)
      if (existing !== undefined) return { value: existing, created: false }
      if (this.#entries.isForeign(key)) this.#refuse(valueInvalid(new TypeError('there is something that is not JSON')))
      const value = this.#json(made)
      this.#change([[key, value]], () => this.#entries.create(key, value, this.#clock.now(), this))
      return { value: copyJson(value), created: true }
    })
  }

  /** The one way in (D4.1): nothing touches the document before everything is accepted. */
  #change(changes: Changes, write = (different: Changes) => this.#entries.write(different, this)): void {
    if (this.#document.isClosed) this.#refuse(new TidemarkError('document-closed'))
    // the server would refuse the edit, and it would stay pending for ever
    if (this.#document.level === 'read') this.#refuse(new TidemarkError('read-only'))
    for (const [key, value] of changes) this.#accept(key, value)
    for (const [key, value] of changes) this.#early?.set(key, value)
    const different = changes.filter(([key, value]) => !isEqual(value, this.get(key)))
    if (different.length > 0) write(different)
  }

  #accept(key: string, value: Json | undefined): void {
    if (typeof key !== 'string' || key === everything || !key.isWellFormed()) {
      this.#refuse(valueInvalid(new TypeError(`a key is a string, and not "${everything}"`)))
    }
    let answer: unknown
    try {
      answer = this.#validate?.(key, value, { previous: this.get(key) })
    } catch (cause) {
      this.#refuse(valueInvalid(cause))
    }
    if (answer === undefined || answer === null || answer === true) return
    this.#refuse(valueInvalid(typeof answer === 'string' ? new Error(answer) : answer))
  }

  #json(value: unknown): Json {
    try {
      return freeze(copyJson(value))
    } catch (cause) {
      this.#refuse(valueInvalid(cause))
    }
  }

  #refuse(error: TidemarkError): never {
    this.#document.report(error)
    throw error
  }

  /**
   * What was written before the copy on this device was there met it as if by another replica, and may have lost. It is
   * newer, so it is written again.
   */
  #loaded(): void {
    const lost = [...(this.#early ?? [])].filter(([key, value]) => !isEqual(value, this.get(key)))
    this.#early = null
    if (lost.length > 0 && !this.#document.isClosed) this.#entries.write(lost, this)
  }
}

/** The validator's own words are the app's: they are what the person is told. */
function valueInvalid(cause: unknown): TidemarkError {
  const message = cause instanceof Error && cause.message ? cause.message : undefined
  return new TidemarkError('value-invalid', message, { cause })
}

/**
 * A key–value face over a document: for apps that think in keys.
 * @throws {TidemarkError} `configuration-invalid` when the document has something else under `options.map`
 */
export function createStore(document: TidemarkDocument, options: StoreOptions = {}): KeyValueStore {
  return new KeyValueStore(document, options)
}
