import * as Y from 'yjs'
import { now } from './now.ts'

export interface Received {
  readonly from: string
  readonly number: number
  /** From the moment it was made in the other tab until it was in this one's document, in ms. */
  readonly delay: number
}

/**
 * The numbered edits of one tab, and what arrives of the others'. Each edit is an element of the array `edits`, and
 * says who made it, as the how-many-th, and when: `ada#7@1763712345678.25`.
 */
export class Edits {
  readonly #doc: Y.Doc
  readonly name: string
  #made = 0
  #writing: ReturnType<typeof setTimeout> | null = null
  readonly received: Received[] = []

  constructor(doc: Y.Doc, name: string) {
    this.#doc = doc
    this.name = name
    doc.on('afterTransaction', (transaction) => {
      if (!transaction.local) this.#receive(transaction)
    })
  }

  get #array(): Y.Array<string> {
    return this.#doc.getArray<string>('edits')
  }

  get made(): number {
    return this.#made
  }

  /** What the document holds, everybody's, without the times. */
  all(): string[] {
    return this.#array.toArray().map((edit) => edit.split('@')[0]!)
  }

  /** One more edit, or several in one task. @returns how many this tab has made */
  write(count = 1): number {
    for (let edit = 0; edit < count; edit++) this.#array.push([`${this.name}#${this.#made++}@${now()}`])
    return this.#made
  }

  /** Keeps writing, evenly; what a late timer has missed is made up for. */
  startWriting(perSecond: number): void {
    const start = performance.now()
    let done = 0
    const turn = () => {
      const due = Math.floor(((performance.now() - start) / 1000) * perSecond) + 1
      for (; done < due; done++) this.write()
      this.#writing = setTimeout(turn, start + (done / perSecond) * 1000 - performance.now())
    }
    this.stopWriting()
    turn()
  }

  stopWriting(): number {
    if (this.#writing) clearTimeout(this.#writing)
    this.#writing = null
    return this.#made
  }

  // Reads only what is new: a look at the whole array for each edit would be the longest task of the tab.
  #receive({ beforeState, afterState }: Y.Transaction): void {
    const at = now()
    for (const [client, clock] of afterState) {
      const from = beforeState.get(client) ?? 0
      if (clock <= from) continue
      const structs = this.#doc.store.clients.get(client)!
      for (let index = Y.findIndexSS(structs, from); index < structs.length; index++) {
        const struct = structs[index]!
        if (struct instanceof Y.Item && struct.content instanceof Y.ContentAny) this.#note(struct.content.arr, at)
      }
    }
  }

  #note(values: readonly unknown[], at: number): void {
    for (const value of values) {
      const [, from, number, madeAt] = /^(.*)#(\d+)@([\d.]+)$/.exec(String(value)) ?? []
      if (from !== undefined) this.received.push({ from, number: Number(number), delay: at - Number(madeAt) })
    }
  }
}
