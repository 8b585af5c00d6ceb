import * as Y from 'yjs'

/** What a root type of a document is: `doc.getText`, `getXmlFragment`, `getMap` or `getArray`. */
export type RootKind = 'text' | 'xml' | 'map' | 'array'

/** A root type, as it is read for a person. */
export interface Root {
  readonly kind: RootKind
  /** Plain text of text and XML, a line for each block; indented JSON of a map or an array. */
  readonly text: string
  /** All of the content, formatting and attributes included: the same content has the same one. */
  readonly exact: string
}

const empty: { readonly [kind in RootKind]: string } = { text: '', xml: '', map: '{}', array: '[]' }

/**
 * Reads every root type, in a copy of the document: to ask a document for a type decides what that type is, and that is
 * the app's to decide.
 */
export class Roots {
  readonly #doc = new Y.Doc()
  readonly #kinds = new Map<string, RootKind | null>()

  constructor(doc: Y.Doc) {
    Y.applyUpdate(this.#doc, Y.encodeStateAsUpdate(doc))
    for (const [name, type] of this.#doc.share) this.#kinds.set(name, kindOfType(doc.share.get(name)) ?? kindIn(type))
  }

  get names(): readonly string[] {
    return [...this.#kinds.keys()]
  }

  /** null: it is not there, or nothing of its content is left that would tell. */
  kindOf(name: string): RootKind | null {
    return this.#kinds.get(name) ?? null
  }

  read(name: string, kind: RootKind): Root {
    if (!this.#kinds.has(name)) return { kind, text: empty[kind], exact: empty[kind] }
    switch (kind) {
      case 'text': {
        const type = this.#doc.getText(name)
        return { kind, text: type.toString(), exact: json(type.toDelta()) }
      }
      case 'xml': {
        const type = this.#doc.getXmlFragment(name)
        return { kind, text: linesOf(type).join('\n'), exact: type.toString() }
      }
      case 'map': {
        const text = json(this.#doc.getMap(name).toJSON())
        return { kind, text, exact: text }
      }
      case 'array': {
        const text = json(this.#doc.getArray(name).toJSON())
        return { kind, text, exact: text }
      }
    }
  }

  destroy(): void {
    this.#doc.destroy()
  }
}

function kindOfType(type: unknown): RootKind | null {
  if (type instanceof Y.Text) return 'text'
  if (type instanceof Y.XmlFragment) return 'xml'
  if (type instanceof Y.Map) return 'map'
  if (type instanceof Y.Array) return 'array'
  return null
}

/** Of a type that nobody has asked for yet: by what is in it. */
function kindIn(type: Pick<Y.Text, '_start' | '_map'>): RootKind | null {
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted) continue
    const { content } = item
    if (content instanceof Y.ContentString || content instanceof Y.ContentFormat) return 'text'
    if (content instanceof Y.ContentEmbed) return 'text'
    if (!(content instanceof Y.ContentType)) return 'array'
    return content.type instanceof Y.XmlElement || content.type instanceof Y.XmlText ? 'xml' : 'array'
  }
  return [...type._map.values()].some((item) => !item.deleted) ? 'map' : null
}

const withoutText = new Set(['paragraph', 'heading', 'codeBlock', 'p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'pre'])

/** A line for each block, as a person would copy it. What has no text is there by its name. */
function linesOf(parent: Y.XmlFragment): string[] {
  const lines: string[] = []
  let isInLine = false
  const add = (text: string) => {
    const [first = '', ...others] = text.split('\n')
    if (isInLine) lines[lines.length - 1] += first
    else lines.push(first)
    lines.push(...others)
    isInLine = true
  }
  for (const child of parent.toArray()) {
    if (child instanceof Y.XmlText) add(plain(child))
    else if (!(child instanceof Y.XmlElement)) continue
    else if (child.nodeName === 'hardBreak' || child.nodeName === 'br') add('\n')
    else if (child.length > 0) {
      lines.push(...linesOf(child))
      isInLine = false
    } else if (withoutText.has(child.nodeName)) {
      lines.push('')
      isInLine = false
    } else add(`[${child.nodeName}]`)
  }
  return lines
}

/** `XmlText.toString` would give the formatting as tags. */
function plain(text: Y.XmlText): string {
  const delta = text.toDelta() as readonly { readonly insert: unknown }[]
  return delta.map(({ insert }) => (typeof insert === 'string' ? insert : '[…]')).join('')
}

/** With the keys in order: the same content is the same text, in whatever order it was written. */
function json(value: unknown): string {
  return JSON.stringify(value, ordered, 2)
}

function ordered(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array)
    return `bytes ${[...value].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
