import * as Y from 'yjs'
import type { Struct } from './structure.ts'

/** By client, in order. */
export type Ranges = ReadonlyMap<number, readonly { readonly clock: number; readonly len: number }[]>

/** What Yjs keeps aside because it stands on edits that are not there: it looks all of it through when more comes. */
export interface KeptAside {
  readonly structs: Ranges
  readonly deletions: Ranges
  /** What it counts for, in bytes. */
  readonly weight: number
  /** How many documents within the document are among it. */
  readonly documents: number
}

/** What a deletion counts for, in bytes: Yjs tries each of them again with each edit of anybody. */
export const deletionWeight = 64
/** What a struct counts for beside its bytes: Yjs builds each of them anew, four times for each edit that has to wait, too. */
const structWeight = 32
/** The same for a document within the document. */
const documentWeight = 512

export const isDocument = (struct: Struct): boolean =>
  struct instanceof Y.Item && struct.content instanceof Y.ContentDoc

export const weightOf = (struct: Struct): number => (isDocument(struct) ? documentWeight : structWeight)

export function keptAside({ pendingStructs, pendingDs }: Y.Doc['store']): KeptAside {
  const structs = pendingStructs ? structsIn(pendingStructs.update) : nothing
  const deletions = pendingDs ? deletionsIn(pendingDs) : nothing
  return {
    structs: structs.ranges,
    deletions: deletions.ranges,
    weight: structs.weight + deletions.weight,
    documents: structs.documents,
  }
}

interface Part {
  readonly ranges: Ranges
  readonly weight: number
  readonly documents: number
}

const nothing: Part = { ranges: new Map(), weight: 0, documents: 0 }

const structsIn = once((update) => {
  const { structs } = Y.decodeUpdateV2(update)
  const ranges = new Map<number, { clock: number; len: number }[]>()
  let weight = update.byteLength
  let documents = 0
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue
    weight += weightOf(struct)
    if (isDocument(struct)) documents++
    const { client, clock } = struct.id
    const known = ranges.get(client)
    const last = known?.at(-1)
    if (!known) ranges.set(client, [{ clock, len: struct.length }])
    else if (last && last.clock + last.len === clock) last.len += struct.length
    else known.push({ clock, len: struct.length })
  }
  return { ranges, weight, documents }
})

const deletionsIn = once((update) => {
  const { clients } = Y.decodeUpdateV2(update).ds
  let count = 0
  for (const ranges of clients.values()) count += ranges.length
  return { ranges: clients, weight: count * deletionWeight, documents: 0 }
})

/** Yjs puts a new array in the place of one that changes: each is read once. */
function once(read: (update: Uint8Array) => Part): (update: Uint8Array) => Part {
  const known = new WeakMap<Uint8Array, Part>()
  return (update) => {
    const before = known.get(update)
    if (before) return before
    const part = read(update)
    known.set(update, part)
    return part
  }
}

export const isWithin = (
  ranges: readonly { readonly clock: number; readonly len: number }[] | undefined,
  from: number,
  end: number,
): boolean => ranges?.some(({ clock, len }) => clock <= from && end <= clock + len) === true
