import type * as Y from 'yjs'
import { differenceOf, type Run } from './diff.ts'
import { type Root, type RootKind, Roots } from './roots.ts'

/** One root type, in a copy that was set aside and in the document. */
export interface Comparison {
  readonly name: string
  readonly kind: RootKind
  /** Plain text (a line for each block), or indented JSON; of each side. */
  readonly copy: string
  readonly document: string
  /** The content is the same, formatting and attributes included. The texts may be the same when this is false. */
  readonly same: boolean
  /** By lines; one run of both when the texts are the same. */
  readonly difference: readonly Run[]
}

/**
 * Compares each root type (`doc.getText(name)`, …) that either of the two has. Changes neither of them.
 * Costs a copy of both in memory for a moment.
 */
export function compareDocs(copy: Y.Doc, document: Y.Doc): Comparison[] {
  const ofCopy = new Roots(copy)
  const ofDocument = new Roots(document)
  try {
    return [...new Set([...ofDocument.names, ...ofCopy.names])].sort().flatMap((name) => {
      const kind = ofDocument.kindOf(name) ?? ofCopy.kindOf(name)
      // nothing is left in it, on either side
      if (kind === null) return []
      const one = ofCopy.read(name, ofCopy.kindOf(name) ?? kind)
      return [comparison(name, one, ofDocument.read(name, kind))]
    })
  } finally {
    ofCopy.destroy()
    ofDocument.destroy()
  }
}

function comparison(name: string, copy: Root, document: Root): Comparison {
  return {
    name,
    kind: document.kind,
    copy: copy.text,
    document: document.text,
    same: copy.kind === document.kind && copy.exact === document.exact,
    difference: differenceOf(lines(copy.text), lines(document.text)),
  }
}

function lines(text: string): string[] {
  return text === '' ? [] : text.split('\n')
}
