import * as Y from 'yjs'
import { StructsByClient } from './structs-by-client.ts'
import type { Struct } from './structure.ts'

export type Type = NonNullable<ReturnType<Y.Doc['share']['get']>>

/** What items stand in: a type, or all that was ever written in it under a key. */
export interface List {
  type: Type
  key: string | null
}

/** The structs of an update, as they stand on each other and on a document. */
export class Brought {
  readonly #structs: readonly Struct[]
  readonly #document: Y.Doc
  #byClient: StructsByClient | null = null
  readonly #lists = new Map<Struct, List | null>()

  constructor(structs: readonly Struct[], document: Y.Doc) {
    this.#structs = structs
    this.#document = document
  }

  find(id: Y.ID): Struct | null {
    this.#byClient ??= new StructsByClient(this.#structs)
    return this.#byClient.find(id)
  }

  /** What an item will stand in; null in nothing that the document has, or when it has to wait. */
  listOf(item: Y.Item): List | null {
    const path: Struct[] = []
    let list: List | null = null
    for (let next: Struct | List | null = item; next !== null; ) {
      if ('type' in next) {
        list = next
        break
      }
      const known = this.#lists.get(next)
      if (known !== undefined) {
        list = known
        break
      }
      this.#lists.set(next, null)
      path.push(next)
      next = next instanceof Y.Item ? this.#above(next) : null
    }
    for (const struct of path) this.#lists.set(struct, list)
    return list
  }

  /** What tells it: the list itself, or an item of the update. */
  #above({ parent, parentSub, origin, rightOrigin }: Y.Item): Struct | List | null {
    const told: unknown = parent
    if (typeof told === 'string') return listIn(this.#document.share.get(told), parentSub)
    const id = told instanceof Y.ID ? told : (origin ?? rightOrigin)
    if (id === null) return null
    const { store } = this.#document
    const there = id.clock < Y.getState(store, id.client) ? Y.getItem(store, id) : null
    // a type that the update brings holds nothing yet
    if (there === null) return told instanceof Y.ID ? null : this.find(id)
    if (!(there instanceof Y.Item)) return null
    if (!(told instanceof Y.ID)) return listIn(there.parent, there.parentSub)
    return there.content instanceof Y.ContentType ? listIn(there.content.type, parentSub) : null
  }
}

const listIn = (type: Y.Item['parent'] | undefined, key: string | null): List | null =>
  type instanceof Y.AbstractType ? { type, key } : null
