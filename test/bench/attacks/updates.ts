import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { type Block, type Id, spellItem, spellUpdate } from '../../fuzz/grammar/spell.ts'

const hostile = 4_000_000_000
const none = new Map<number, never[]>()

type Content = (encoder: encoding.Encoder) => void

function item(kind: number, place: { origin?: Id; parent?: string }, content: Content): Block['structs'][number] {
  const info = kind | (place.origin ? 128 : 0)
  return spellItem({
    info,
    origin: place.origin ?? null,
    rightOrigin: null,
    parent: place.parent ?? '',
    key: '',
    content,
  })
}

const letter: Content = (encoder) => encoding.writeVarString(encoder, 'x')
const by = (client: number, clock: number, structs: Block['structs']): Block => ({
  client,
  clock,
  count: structs.length,
  structs,
})

const deep: Content = (encoder) => encoding.writeVarString(encoder, '['.repeat(100_000) + ']'.repeat(100_000))
const deepEmbed = by(hostile, 0, [item(5, { parent: 'edits' }, deep)])

export const embedded = (): Uint8Array => spellUpdate([deepEmbed], none)

export const embeddedAndDangling = (): Uint8Array =>
  spellUpdate([by(hostile + 1, 0, [item(4, { origin: { client: 888, clock: 5 } }, letter)]), deepEmbed], none)

/** Waits for somebody's next edit, and stands on itself. */
export const trap = (next: Id): Uint8Array =>
  spellUpdate(
    [by(hostile, 0, [item(4, { origin: next }, letter), item(4, { origin: { client: hostile, clock: 9 } }, letter)])],
    none,
  )

export const conflicts = (count: number): Uint8Array =>
  spellUpdate(
    Array.from({ length: count }, (_, index) => by(5_000_000 - index, 0, [item(4, { parent: 'conflicts' }, letter)])),
    none,
  )

const value: Content = (encoder) => encoding.writeVarString(encoder, '1')

/** Letters and values in turn, so that no two become one; each stands on the one before. */
export const row = (count: number): Uint8Array =>
  spellUpdate(
    [
      by(
        1_000,
        0,
        Array.from({ length: count }, (_, index) =>
          item(
            index % 2 === 0 ? 4 : 5,
            index === 0 ? { parent: 'row' } : { origin: { client: 1_000, clock: index - 1 } },
            index % 2 === 0 ? letter : value,
          ),
        ),
      ),
    ],
    none,
  )

/** Letters of people who all began at the row's begin: each of them passes all of it. */
export const behindRow = (count: number): Uint8Array =>
  spellUpdate(
    Array.from({ length: count }, (_, index) => by(3_000_000 - index, 0, [item(4, { parent: 'row' }, letter)])),
    none,
  )

export const deletions = (count: number): Uint8Array =>
  spellUpdate([], new Map([[hostile, Array.from({ length: count }, (_, index) => ({ clock: 2 * index, length: 1 }))]]))

export const documents = (count: number): Uint8Array =>
  spellUpdate(
    [
      by(
        hostile,
        0,
        Array.from({ length: count }, () =>
          item(9, { parent: 'documents' }, (encoder) => {
            encoding.writeVarString(encoder, 'd')
            encoding.writeAny(encoder, {})
          }),
        ),
      ),
    ],
    none,
  )

/** Types within types, and the deletion of the outermost. */
export function nested(depth: number): Uint8Array[] {
  const doc = new Y.Doc()
  doc.clientID = hostile
  let parent = doc.getArray<unknown>('deep')
  doc.transact(() => {
    for (let level = 0; level < depth; level++) {
      const child = new Y.Array<unknown>()
      parent.push([child])
      parent = child
    }
  })
  return [Y.encodeStateAsUpdate(doc), spellUpdate([], new Map([[hostile, [{ clock: 0, length: 1 }]]]))]
}

/** A document's content of so many bytes. */
export function content(bytes: number): Uint8Array {
  const doc = new Y.Doc()
  for (let part = 0; part < bytes; part += 100_000) doc.getArray('content').push(['y'.repeat(100_000)])
  return Y.encodeStateAsUpdate(doc)
}
