import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { type DeleteSet, encodeUpdate, type Struct } from './encode.ts'

export type Split =
  | { readonly kind: 'parts'; readonly parts: readonly Uint8Array[] }
  /** Something in it cannot be divided: one value, one embedded thing. */
  | { readonly kind: 'too-large'; readonly bytes: number }

/** What a part costs beside its structs: counts, and for each client its number and first clock. */
const frame = 32
const clientHead = 24
const rangeSize = 20

/**
 * Divides an update into updates that each apply when those before them have (R3.7).
 * @param part the size that they should have at most, in bytes
 * @param most what cannot be divided may have this size
 */
export function split(update: Uint8Array, part: number, most: number): Split {
  if (update.byteLength <= part) return { kind: 'parts', parts: [update] }
  const { structs, ds } = Y.decodeUpdate(update)
  const parts: Uint8Array[] = []
  let some: Struct[] = []
  let size = frame
  let clients = new Set<number>()
  const close = () => {
    if (some.length > 0) parts.push(encodeUpdate(some, noDeletions))
    some = []
    size = frame
    clients = new Set()
  }
  for (const struct of inOrder(structs)) {
    for (const [piece, bytes] of pieces(struct, part - frame - clientHead)) {
      if (bytes + frame + clientHead > Math.max(part, most)) return { kind: 'too-large', bytes }
      if (size + bytes + clientHead > part) close()
      // what is missing between is missing in the document, too: a part does not begin with that
      if (piece instanceof Y.Skip && !clients.has(piece.id.client)) continue
      if (!clients.has(piece.id.client)) size += clientHead
      clients.add(piece.id.client)
      some.push(piece)
      size += bytes
    }
  }
  close()
  // Last: what is deleted has to be there before.
  for (const deletions of deletionsInParts(ds, part)) parts.push(encodeUpdate([], deletions))
  return { kind: 'parts', parts: parts.length > 0 ? parts : [update] }
}

const noDeletions: Pick<DeleteSet, 'clients'> = { clients: new Map() }

/** Each struct after those of the same update that it stands on: its neighbours when it was written, and its parent. */
function* inOrder(structs: readonly Struct[]): Generator<Struct> {
  const queues = new Map<number, { readonly structs: Struct[]; next: number }>()
  for (const struct of structs) {
    const queue = queues.get(struct.id.client)
    if (queue) queue.structs.push(struct)
    else queues.set(struct.id.client, { structs: [struct], next: 0 })
  }
  for (const client of queues.keys()) {
    const wanted = [{ client, clock: Number.POSITIVE_INFINITY }]
    while (wanted.length > 0) {
      const { client, clock } = wanted.at(-1)!
      const queue = queues.get(client)!
      const struct = queue.structs[queue.next]
      if (!struct || struct.id.clock > clock) {
        wanted.pop()
        continue
      }
      const missing = predecessorsOf(struct).find((id) => {
        const other = queues.get(id.client)
        const first = other?.structs[other.next]
        return other !== queue && first !== undefined && first.id.clock <= id.clock
      })
      // nothing that Yjs writes goes round in a circle; what does is sent all the same
      if (missing && wanted.length <= structs.length) wanted.push(missing)
      else {
        queue.next++
        yield struct
      }
    }
  }
}

function predecessorsOf(struct: Struct): Y.ID[] {
  if (!(struct instanceof Y.Item)) return []
  const { origin, rightOrigin, parent } = struct
  return [origin, rightOrigin, parent].filter((id) => id instanceof Y.ID)
}

/**
 * A text, or a list of values, that is too large is divided as Yjs divides it when somebody writes into its middle.
 * Each part of it is measured about once, whatever the number of parts.
 */
function* pieces(struct: Struct, limit: number): Generator<readonly [Struct, bytes: number]> {
  let rest = struct
  let bytes = sizeOf(rest)
  while (bytes > limit && rest instanceof Y.Item) {
    const at = placeToDivide(rest, (rest.length * limit) / bytes)
    if (at === null) break
    const [left, right] = divide(rest, at)
    const size = sizeOf(left)
    if (size <= limit) yield [left, size]
    else yield* pieces(left, limit)
    rest = right
    bytes -= size
    // what was counted off is not exact
    if (bytes <= limit) bytes = sizeOf(rest)
  }
  yield [rest, bytes <= limit ? bytes : sizeOf(rest)]
}

function divide(item: Y.Item, at: number): [left: Y.Item, right: Y.Item] {
  const { origin, rightOrigin, parent, parentSub, content } = item
  const { client, clock } = item.id
  // shortens the left one in place
  const rest = content.splice(at)
  const [id, before] = [Y.createID(client, clock + at), Y.createID(client, clock + at - 1)]
  return [
    new Y.Item(item.id, null, origin, null, rightOrigin, parent, parentSub, content),
    new Y.Item(id, null, before, null, rightOrigin, parent, parentSub, rest),
  ]
}

/** @param wish how long the left part should be; null when it is one thing */
function placeToDivide({ content, length }: Y.Item, wish: number): number | null {
  if (length < 2) return null
  // some are larger than others
  const at = Math.min(Math.max(1, Math.floor(wish * 0.9)), length >> 1)
  if (content instanceof Y.ContentString) {
    // never between the two halves of a character
    const isCut = (place: number) => /^[\uDC00-\uDFFF]/.test(content.str.charAt(place))
    if (!isCut(at)) return at
    return at + 1 < length ? at + 1 : at > 1 ? at - 1 : null
  }
  return content instanceof Y.ContentAny || content instanceof Y.ContentJSON ? at : null
}

function sizeOf(struct: Struct): number {
  const encoder = new Y.UpdateEncoderV1()
  struct.write(encoder, 0)
  return encoding.length(encoder.restEncoder)
}

function* deletionsInParts(ds: DeleteSet, part: number): Generator<Pick<DeleteSet, 'clients'>> {
  const many = Math.max(1, Math.floor((part - frame) / (rangeSize + clientHead)))
  let clients: DeleteSet['clients'] = new Map()
  let count = 0
  for (const [client, ranges] of ds.clients) {
    for (const range of ranges) {
      const some = clients.get(client)
      if (some) some.push(range)
      else clients.set(client, [range])
      if (++count < many) continue
      yield { clients }
      clients = new Map()
      count = 0
    }
  }
  if (count > 0) yield { clients }
}
