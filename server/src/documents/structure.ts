import * as Y from 'yjs'
import { AuthorsReading } from './authors.ts'
import { Depths, DepthsInOrder, depthAt, depthInDocument } from './depths.ts'
import { isDocument, isWithin, keptAside } from './kept-aside.ts'
import { someNews } from './news.ts'

/** Of an update that was decoded. */
export type Struct = ReturnType<typeof Y.decodeUpdate>['structs'][number]

/** What a document may be like, beside its size: some of Yjs calls itself for each level, or looks at each level again. */
export interface StructureLimits {
  /** How deep types may stand within types, as a paragraph in a cell in a row in a table. */
  readonly typeDepth: number
  /** How deep a value may be that stands at one place: JSON within JSON. */
  readonly valueDepth: number
  /** How many documents may stand within a document. */
  readonly subdocuments: number
  /** Of how many Yjs clients a document may hold edits. */
  readonly clientsPerDocument: number
  /** How many values a single value may hold: it is built in one go. */
  readonly valueMembers: number
  /** How many insertions and deletions an update may bring. */
  readonly updateParts: number
}

/**
 * What is too much in an update that was decoded and not applied; null when nothing is. What the update stands on and the
 * document does not have yet counts as nothing: {@link isTooDeep} sees it when it is there.
 * @param document null before it is open
 */
export function excessOf(structs: readonly Struct[], document: Y.Doc | null, limits: StructureLimits): string | null {
  let depths: Depths | null = null
  const depthOf = (item: Y.Item) => {
    depths ??= new Depths(structs, (id) => depthAt(document, id))
    return depths.of(item)
  }
  return (
    excessIn(structs, depthOf, limits) ??
    excessOfDocuments(countDocuments(structs, document), document, limits) ??
    new AuthorsReading(document).excessOf(structs, limits.clientsPerDocument)
  )
}

/** The same for an update that is decoded in parts, in the order in which they are applied (`slicesOf`). */
export class StructureReading {
  readonly #document: Y.Doc | null
  readonly #limits: StructureLimits
  readonly #depths: DepthsInOrder
  readonly #authors: AuthorsReading
  #subdocuments = 0

  constructor(document: Y.Doc | null, limits: StructureLimits) {
    this.#document = document
    this.#limits = limits
    this.#depths = new DepthsInOrder(document)
    this.#authors = new AuthorsReading(document)
  }

  /** What is too much in the next part, together with those before it; null when nothing is. */
  excessOf(structs: readonly Struct[]): string | null {
    this.#depths.add(structs)
    this.#subdocuments += countDocuments(structs, this.#document)
    return (
      excessIn(structs, ({ id }) => this.#depths.at(id), this.#limits) ??
      excessOfDocuments(this.#subdocuments, this.#document, this.#limits) ??
      this.#authors.excessOf(structs, this.#limits.clientsPerDocument)
    )
  }
}

function excessIn(
  structs: readonly Struct[],
  depthOf: (item: Y.Item) => number,
  limits: StructureLimits,
): string | null {
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue
    const { content } = struct
    if (content instanceof Y.ContentString || content instanceof Y.ContentDeleted) continue
    if (content instanceof Y.ContentType) {
      if (depthOf(struct) > limits.typeDepth) return `types within types, more than ${limits.typeDepth} deep`
    } else if (valuesOf(content).some((value) => isDeeper(value, limits.valueDepth))) {
      return `a value that is more than ${limits.valueDepth} deep`
    }
  }
  return null
}

/** How many documents it brings that the document does not have, nor keeps aside. */
function countDocuments(structs: readonly Struct[], document: Y.Doc | null): number {
  let count = 0
  for (const struct of structs) if (isDocument(struct) && !isThere(struct, document)) count++
  return count
}

function isThere({ id: { client, clock } }: Struct, document: Y.Doc | null): boolean {
  if (!document) return false
  return (
    clock < Y.getState(document.store, client) ||
    isWithin(keptAside(document.store).structs.get(client), clock, clock + 1)
  )
}

function excessOfDocuments(count: number, document: Y.Doc | null, { subdocuments }: StructureLimits): string | null {
  if (count === 0) return null
  const known = document ? document.subdocs.size + keptAside(document.store).documents : 0
  return count + known > subdocuments ? `more than ${subdocuments} documents within a document` : null
}

/** Whether a transaction brought types that stand deeper than they may, with all that had waited for it. */
export function isTooDeep(transaction: Y.Transaction, limit: number): boolean {
  return someNews(
    transaction,
    (struct) => struct instanceof Y.Item && struct.content instanceof Y.ContentType && depthInDocument(struct) > limit,
  )
}

function valuesOf(content: Y.Item['content']): readonly unknown[] {
  if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON) return content.arr
  if (content instanceof Y.ContentEmbed) return [content.embed]
  if (content instanceof Y.ContentFormat) return [content.value]
  return []
}

/** Without recursion: what is looked for is what recursion does not survive. */
function isDeeper(value: unknown, limit: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    const below: unknown[] = []
    for (const member of level) {
      if (typeof member !== 'object' || member === null || member instanceof Uint8Array) continue
      if (depth === limit) return true
      for (const value of Object.values(member)) if (typeof value === 'object' && value !== null) below.push(value)
    }
    level = below
  }
  return false
}
