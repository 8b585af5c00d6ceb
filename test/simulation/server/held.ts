import * as Y from 'yjs'
import { Coverage, unitsOf } from '../world/coverage.ts'

/** What the rows of a journal hold: what they say, and what follows from them for whoever reads them all. */
export class Held {
  readonly #rows: Uint8Array[]
  readonly #said = new Coverage()
  readonly contents = new Set<string>()
  #following: { readonly rows: number; readonly coverage: Coverage } | null = null

  constructor(rows: Iterable<Uint8Array> = []) {
    this.#rows = []
    for (const row of rows) this.add(row)
  }

  add(row: Uint8Array): void {
    this.#rows.push(row)
    this.#said.add(row)
    for (const unit of contentsOf(row)) this.contents.add(unit)
  }

  /** What was said only: it is what a rewind can lose. */
  get said(): ReadonlySet<string> {
    return this.#said.units
  }

  /** Those of the units that are not held. */
  lacking(units: Iterable<string>): string[] {
    const unsaid = [...units].filter((unit) => !this.#said.units.has(unit))
    if (unsaid.length === 0) return []
    // of two values set for one key at once, Yjs deletes one, and no update says so
    if (this.#following?.rows !== this.#rows.length) {
      this.#following = { rows: this.#rows.length, coverage: new Coverage().add(stateOf(this.#rows)) }
    }
    const { coverage } = this.#following
    return unsaid.filter((unit) => !coverage.units.has(unit))
  }
}

const read = new WeakMap<Uint8Array, readonly string[]>()

/** The units that an update brings with their content, not only as the hole that Yjs leaves of what was deleted. */
export function contentsOf(update: Uint8Array): readonly string[] {
  const known = read.get(update)
  if (known) return known
  const contents = Y.decodeUpdate(update).structs.flatMap((struct) => {
    if (!(struct instanceof Y.Item) || struct.content instanceof Y.ContentDeleted) return []
    return Array.from({ length: struct.length }, (_, index) => `${struct.id.client}:${struct.id.clock + index}`)
  })
  read.set(update, contents)
  return contents
}

/** The document that the updates make, with what waits in it for others. */
export function stateOf(updates: readonly Uint8Array[]): Uint8Array {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update)
  })
  const state = Y.encodeStateAsUpdate(doc)
  doc.destroy()
  return state
}

/** What one of two documents has, and the other has not. */
export function differences(
  one: Uint8Array,
  other: Uint8Array,
): { readonly onlyOne: string[]; readonly onlyOther: string[] } {
  const [first, second] = [new Set(unitsOf(one)), new Set(unitsOf(other))]
  return {
    onlyOne: [...first].filter((unit) => !second.has(unit)),
    onlyOther: [...second].filter((unit) => !first.has(unit)),
  }
}
