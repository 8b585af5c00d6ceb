/** One edit of another tab, as it was heard. */
export interface HeardEdit {
  readonly position: number
  readonly update: Uint8Array
}

/**
 * Edits of other tabs that those may not have stored yet. Should such a tab die, the edit is still seen here, and what
 * is written after it stands on it: whoever leads then stores it (D1.3, R3).
 */
export class Unstored {
  readonly #edits = new Map<string, HeardEdit[]>()

  /** @param storedTo everything of this opening up to here is in the local store, its author says */
  heard(opening: string, { position, update }: HeardEdit, storedTo: number): void {
    const edits = this.#edits.get(opening) ?? []
    const stored = edits.findIndex((edit) => edit.position > storedTo)
    edits.splice(0, stored === -1 ? edits.length : stored)
    edits.push({ position, update })
    this.#edits.set(opening, edits)
  }

  /** The opening is no more. @returns what of it may be stored nowhere, in order */
  take(opening: string, storedTo = 0): readonly HeardEdit[] {
    const edits = this.#edits.get(opening) ?? []
    this.#edits.delete(opening)
    return edits.filter(({ position }) => position > storedTo)
  }

  /** This tab hears no more of any of them. @returns the same, by opening */
  takeAll(): ReadonlyMap<string, readonly HeardEdit[]> {
    const all = new Map(this.#edits)
    this.#edits.clear()
    return all
  }
}
