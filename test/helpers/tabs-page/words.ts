import type * as Y from 'yjs'

/** Letters of each insertion. */
export const wordLength = 10
const sections = 5

const sectionOf = (doc: Y.Doc, section: number): Y.Text => doc.getText(`section-${section}`)

/** Letters of all sections together. */
export function letters(doc: Y.Doc): number {
  let sum = 0
  for (let section = 0; section < sections; section++) sum += sectionOf(doc, section).length
  return sum
}

/**
 * Somebody who writes their section of a long document: a word at a time where the cursor is, for some twenty words,
 * then somewhere else. Each tab has a section of its own, so the content is the same in every run, however the tabs
 * take turns.
 */
export class WordWriter {
  readonly #text: Y.Text
  #state: number
  #written = 0
  #position = 0

  constructor(doc: Y.Doc, section: number) {
    this.#text = sectionOf(doc, section)
    this.#state = section + 1
  }

  /** One insertion for each word, each a transaction of its own. */
  write(words: number): void {
    for (let word = 0; word < words; word++) {
      if (this.#written++ % 20 === 0) this.#position = this.#random(this.#text.length + 1)
      const letters = `${this.#random(36 ** 5).toString(36)}${this.#written}`.padStart(wordLength - 1, 'x')
      this.#text.insert(this.#position, `${letters.slice(1 - wordLength)} `)
      this.#position += wordLength
    }
  }

  /** The same numbers in every run (the minimal standard generator). */
  #random(below: number): number {
    this.#state = (this.#state * 48_271) % 0x7fffffff
    return this.#state % below
  }
}
