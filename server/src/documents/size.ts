import * as Y from 'yjs'

/** How many bytes a document takes about when it is encoded, without encoding it: a walk through its structs. */
export function sizeOf({ store }: Y.Doc): number {
  let size = store.pendingStructs?.update.byteLength ?? 0
  size += store.pendingDs?.byteLength ?? 0
  for (const structs of store.clients.values()) {
    size += idBytes
    let wasDeleted = false
    for (const struct of structs) {
      size += structSize(struct)
      // a run of deleted structs is one range
      if (struct.deleted && !wasDeleted) size += rangeBytes
      wasDeleted = struct.deleted
    }
  }
  return size
}

type Deletions = ReturnType<typeof Y.decodeUpdate>['ds']

/** How much of a document these deletions take away. */
export function sizeFreed({ store }: Y.Doc, deletions: Deletions): number {
  let size = 0
  for (const [client, ranges] of deletions.clients) {
    const structs = store.clients.get(client)
    if (!structs) continue
    const state = Y.getState(store, client)
    for (const { clock, len } of ranges) {
      if (clock >= state) continue
      const end = clock + len
      for (let index = Y.findIndexSS(structs, clock); index < structs.length; index++) {
        const struct = structs[index] as Y.Item | Y.GC
        if (struct.id.clock >= end) break
        if (struct.deleted) continue
        const share = Math.min(end, struct.id.clock + struct.length) - Math.max(clock, struct.id.clock)
        size += (structSize(struct) * share) / struct.length
      }
    }
  }
  return size
}

const idBytes = 8
const rangeBytes = 5

export function structSize(struct: Y.Item | Y.GC): number {
  if (!(struct instanceof Y.Item)) return 4
  const { origin, rightOrigin, parentSub } = struct
  const place = (origin ? idBytes : 0) + (rightOrigin ? idBytes : 0)
  return 1 + (place === 0 ? idBytes + (parentSub?.length ?? 0) : place) + contentSize(struct.content)
}

function contentSize(content: Y.Item['content']): number {
  if (content instanceof Y.ContentString) return 2 + Buffer.byteLength(content.str)
  if (content instanceof Y.ContentBinary) return 3 + content.content.byteLength
  if (content instanceof Y.ContentAny) return anySize(content.arr)
  if (content instanceof Y.ContentJSON) return anySize(content.arr)
  if (content instanceof Y.ContentEmbed) return anySize(content.embed)
  if (content instanceof Y.ContentFormat) return content.key.length + anySize(content.value)
  // a type, a document within a document, what is deleted
  return 4
}

function anySize(value: unknown): number {
  if (typeof value === 'string') return 3 + Buffer.byteLength(value)
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? 4 : 9
  if (value instanceof Uint8Array) return 3 + value.byteLength
  if (typeof value !== 'object' || value === null) return 2
  let size = 2
  for (const [key, member] of Object.entries(value))
    size += (Array.isArray(value) ? 0 : 1 + key.length) + anySize(member)
  return size
}

/** What an update does to a document's size. */
export interface SizeChange {
  /** It brings content, and not only deletions. */
  bringsContent: boolean
  bytes: number
  deletions: Deletions
}

/** At most this part of the time is spent on measuring one document. */
const measuringShare = 1 / 20
/** An edit that takes away about as much as it brings passes at the limit, too: up to here, because it may bring a little more. */
const tolerance = 1.1
const overheadBytes = 64

/**
 * How large a document is, for a limit (R8.4): a sum that grows with each update, whatever it overwrites, and that is
 * replaced by a measurement when it reaches the limit. So an edit's cost does not grow with the document, and nobody is
 * refused for what has been deleted.
 */
export class DocumentSize {
  readonly #document: Y.Doc
  #bytes: number
  /** What was subtracted for deletions since the last measurement. */
  #credited = 0
  #nextMeasurement = 0
  /** Somebody was refused for want of room, and waits for it. */
  isWaitedFor = false

  constructor(document: Y.Doc, bytes: number) {
    this.#document = document
    this.#bytes = bytes
  }

  /** About how many bytes; never much less than it has. */
  get bytes(): number {
    return this.#bytes
  }

  grow(bytes: number): void {
    this.#bytes += bytes
  }

  /** Whether the document may take an update, which its writer may write; deletions always may. */
  hasRoomFor(change: SizeChange, limit: number): boolean {
    const { bringsContent, bytes, deletions } = change
    // far from the limit an upper bound will do
    if (this.#bytes + bytes <= limit / 2) return true
    // so much is believed of what is only about to be applied
    if (this.#credited > limit / 4) this.#measure()
    const freed = sizeFreed(this.#document, deletions)
    const fits = () => this.#bytes + bytes - freed <= limit
    const replaces = () => freed > 0 && bytes <= freed + overheadBytes && this.#bytes <= limit * tolerance
    if (bringsContent && !fits()) {
      this.#measure()
      if (!fits() && !replaces()) return false
    }
    // what it takes away is gone once it is applied, and its own bytes are added then
    this.#bytes = Math.max(0, this.#bytes - freed)
    this.#credited += freed
    return true
  }

  /** Whether so many bytes more would fit now, as far as is known without an edit's details. */
  fits(bytes: number, limit: number): boolean {
    if (this.#bytes + bytes > limit) this.#measure()
    return this.#bytes + bytes <= limit
  }

  #measure(): void {
    const began = performance.now()
    if (began < this.#nextMeasurement) return
    this.#bytes = sizeOf(this.#document)
    this.#credited = 0
    const ended = performance.now()
    this.#nextMeasurement = ended + (ended - began) / measuringShare
  }
}
