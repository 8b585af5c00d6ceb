import type { Schema } from '@tiptap/pm/model'
import { AbstractType, ContentType, type Doc, transact, XmlElement, type XmlFragment, XmlText, type YEvent } from 'yjs'

type Part = unknown
type Event = Pick<YEvent<XmlText>, 'changes' | 'delta'> & { readonly target: unknown }
type Insert = { readonly insert?: unknown; readonly attributes?: { readonly [name: string]: unknown } }

/**
 * Watches a fragment for parts that this editor has no place for. The binding between ProseMirror and Yjs *deletes*
 * what it cannot show, for everybody; so the page has to stop showing the document before that, and keep it whole.
 *
 * Watch before the editor is bound: observers are called in the order in which they came. The whole is read once;
 * afterwards only what an update brought.
 * @returns whether something is foreign already, and the end of the watch
 */
export function watchForeignContent(
  fragment: XmlFragment,
  schema: Schema,
  onForeign: () => void,
): { readonly found: boolean; readonly close: () => void } {
  const observer = (events: readonly Event[]) => {
    // Reading a delta begins a transaction. Outside of one, Yjs queues a transaction for each changed text and cleans them
    // up recursively: bold over 5,000 paragraphs overflowed the stack, and the Y.Doc was dead.
    const brought = transact(fragment.doc as Doc, () => events.some((event) => broughtForeign(event, schema)))
    if (brought) onForeign()
  }
  fragment.observeDeep(observer)
  return {
    found: fragment.toArray().some((child) => isForeign(child, schema)),
    close: () => fragment.unobserveDeep(observer),
  }
}

function broughtForeign(event: Event, schema: Schema): boolean {
  const target: Part = event.target
  if (target instanceof XmlText) return hasForeignText(event.delta as readonly Insert[], schema)
  const depth = target instanceof AbstractType ? depthOf(target) + 1 : 0
  return [...event.changes.added].some(
    ({ content }) => !(content instanceof ContentType) || isForeign(content.type, schema, depth),
  )
}

/** As deep as the server takes it. The binding calls itself for each level, and the stack has an end. */
const deepest = 500

/** Without calling itself: what somebody else wrote is as deep as they like. */
function isForeign(part: Part, schema: Schema, depth = 0): boolean {
  const waiting = [{ part, depth }]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { part, depth } = next
    if (depth > deepest) return true
    if (part instanceof XmlText) {
      if (hasForeignText(part.toDelta() as readonly Insert[], schema)) return true
    } else if (part instanceof XmlElement && schema.nodes[part.nodeName]) {
      for (const child of part.toArray()) waiting.push({ part: child, depth: depth + 1 })
    } else return true
  }
  return false
}

/** How many types it stands in; it is not looked further than it may be. */
function depthOf(type: AbstractType<unknown>): number {
  let depth = 0
  for (let outer = type.parent; outer && depth <= deepest; outer = outer.parent) depth++
  return depth
}

function hasForeignText(delta: readonly Insert[], schema: Schema): boolean {
  return delta.some(
    ({ insert, attributes }) =>
      (insert !== undefined && typeof insert !== 'string') ||
      Object.entries(attributes ?? {}).some(([name, value]) => value !== null && !schema.marks[markName(name)]),
  )
}

// marks that may overlap themselves are stored under their name and a hash
function markName(attribute: string): string {
  return attribute.replace(/--[a-zA-Z0-9+/=]{8}$/, '')
}
