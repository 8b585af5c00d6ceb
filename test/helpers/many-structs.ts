import * as encoding from 'lib0/encoding'
import { type Block, spellItem, spellUpdate } from '../fuzz/grammar/spell.ts'

type Content = (encoder: encoding.Encoder) => void

/** What may stand in a struct: a few bytes when it is sent, hundreds in memory. */
export const contents = {
  letter: (encoder) => encoding.writeVarString(encoder, 'x'),
  deleted: (encoder) => encoding.writeVarUint(encoder, 1),
  value: (encoder) => writeValues(encoder, [{}]),
  array: (encoder) => encoding.writeVarUint(encoder, 0),
  map: (encoder) => encoding.writeVarUint(encoder, 1),
  text: (encoder) => encoding.writeVarUint(encoder, 2),
  bytes: (encoder) => encoding.writeVarUint8Array(encoder, Uint8Array.of(1)),
  embed: (encoder) => encoding.writeVarString(encoder, '{}'),
} satisfies Record<string, Content>

const kinds: { readonly [content in keyof typeof contents]: number } = {
  letter: 4,
  deleted: 1,
  value: 8,
  array: 7,
  map: 7,
  text: 7,
  bytes: 3,
  embed: 5,
}

export function writeValues(encoder: encoding.Encoder, values: readonly unknown[]): void {
  encoding.writeVarUint(encoder, values.length)
  for (const value of values) encoding.writeAny(encoder, value as Parameters<typeof encoding.writeAny>[1])
}

/** Structs that Yjs cannot put together, because each stands before the last one of the same client. */
export function manyStructs(
  content: keyof typeof contents,
  { client, from = 0, count: wanted }: { client: number; from?: number; count: number },
): Uint8Array {
  const count = Math.floor(wanted)
  const structs: Block['structs'] = Array.from({ length: count }, (_, index) => {
    const clock = from + index
    const isFirst = clock === 0
    return spellItem({
      info: kinds[content] | (isFirst ? 0 : 64),
      origin: null,
      rightOrigin: isFirst ? null : { client, clock: clock - 1 },
      // each client in a type of its own: in one, they would be conflicts
      parent: `of ${client}`,
      key: '',
      content: contents[content],
    })
  })
  return spellUpdate([{ client, clock: from, count, structs }], new Map())
}

/** One struct that holds all these values. */
export const manyValues = (client: number, values: readonly unknown[]): Uint8Array =>
  spellUpdate(
    [
      {
        client,
        clock: 0,
        count: 1,
        structs: [
          spellItem({
            info: 8,
            origin: null,
            rightOrigin: null,
            parent: 'values',
            key: '',
            content: (encoder) => writeValues(encoder, values),
          }),
        ],
      },
    ],
    new Map(),
  )

/** One letter each of so many clients. */
export const manyClients = (count: number): Uint8Array =>
  spellUpdate(
    Array.from({ length: count }, (_, index) => ({
      client: 4_000_000_000 - index,
      clock: 0,
      count: 1,
      structs: [
        spellItem({
          info: kinds.letter,
          origin: null,
          rightOrigin: null,
          parent: `root ${index}`,
          key: '',
          content: contents.letter,
        }),
      ],
    })),
    new Map(),
  )

/** Deletes every second thing of a client, so that what is one struct in memory becomes many. */
export const everySecond = (client: number, { from, count }: { from: number; count: number }): Uint8Array =>
  spellUpdate(
    [],
    new Map([[client, Array.from({ length: count }, (_, index) => ({ clock: from + 2 * index, length: 1 }))]]),
  )
