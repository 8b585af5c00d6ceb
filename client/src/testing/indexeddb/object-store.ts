type Key = number | string

/** Which keys are meant; what `IDBKeyRange` makes. */
export class KeyRange {
  readonly lower: Key | undefined
  readonly upper: Key | undefined
  readonly lowerOpen: boolean
  readonly upperOpen: boolean

  constructor(lower: Key | undefined, upper: Key | undefined, lowerOpen = false, upperOpen = false) {
    this.lower = lower
    this.upper = upper
    this.lowerOpen = lowerOpen
    this.upperOpen = upperOpen
  }

  static only(key: Key): KeyRange {
    return new KeyRange(key, key)
  }

  static lowerBound(lower: Key, open = false): KeyRange {
    return new KeyRange(lower, undefined, open)
  }

  static upperBound(upper: Key, open = false): KeyRange {
    return new KeyRange(undefined, upper, false, open)
  }

  static bound(lower: Key, upper: Key, lowerOpen = false, upperOpen = false): KeyRange {
    return new KeyRange(lower, upper, lowerOpen, upperOpen)
  }

  includes(key: Key): boolean {
    const { lower, upper } = this
    if (lower !== undefined && (compare(key, lower) < 0 || (this.lowerOpen && key === lower))) return false
    return upper === undefined || !(compare(key, upper) > 0 || (this.upperOpen && key === upper))
  }
}

export type Query = Key | KeyRange | null | undefined

/** Numbers come before strings. */
function compare(a: Key, b: Key): number {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

function includes(query: Query, key: Key): boolean {
  if (query === null || query === undefined) return true
  return query instanceof KeyRange ? query.includes(key) : key === query
}

/** What an object store holds. Each change can be taken back. */
export class ObjectStoreContent {
  readonly name: string
  readonly #values = new Map<Key, unknown>()
  /** Without what transactions have written that are not complete. */
  readonly durable = new Map<Key, unknown>()
  #keys: Key[] | null = null
  #lastNumber = 0

  constructor(name: string) {
    this.name = name
  }

  keys(query: Query = null, count = Number.POSITIVE_INFINITY): Key[] {
    this.#keys ??= [...this.#values.keys()].sort(compare)
    return this.#keys.filter((key) => includes(query, key)).slice(0, count)
  }

  get(key: Key): unknown {
    return this.#values.get(key)
  }

  nextNumber(): number {
    return this.#lastNumber + 1
  }

  /** The transaction that has written this is complete. */
  completed(key: Key, value: unknown): void {
    if (value === undefined) this.durable.delete(key)
    else this.durable.set(key, value)
  }

  /** @returns a function that takes it back */
  put(key: Key, value: unknown): () => void {
    const takeBack = this.#restore(key)
    this.#values.set(key, value)
    // not taken back: a number is not given twice
    if (typeof key === 'number') this.#lastNumber = Math.max(this.#lastNumber, key)
    this.#keys = null
    return takeBack
  }

  delete(key: Key): () => void {
    const takeBack = this.#restore(key)
    this.#values.delete(key)
    this.#keys = null
    return takeBack
  }

  #restore(key: Key): () => void {
    const had = this.#values.has(key)
    const before = this.#values.get(key)
    return () => {
      if (had) this.#values.set(key, before)
      else this.#values.delete(key)
      this.#keys = null
    }
  }
}
