import type { Random } from '../helpers/random.ts'
import { Frames } from './grammar/frames.ts'
import { word } from './grammar/values.ts'

/** Who a hostile socket says it is. */
export type Identity = 'writer' | 'other writer' | 'reader' | 'expired' | 'stranger' | 'nonsense'

/** One thing that a hostile client does. */
export type Step =
  | { readonly does: 'send'; readonly socket: number; readonly frame: Uint8Array }
  | {
      readonly does: 'sign in'
      readonly socket: number
      readonly address: string
      readonly as: Identity
      readonly epoch: string | null
    }
  | { readonly does: 'hang up'; readonly socket: number }

export interface PlanOptions {
  /** How many frames are sent, sign-ins among them. */
  frames: number
  sockets: number
  /** Those in which honest people write. */
  documents: readonly string[]
  /** The Yjs clients of the honest people. */
  honest: readonly number[]
}

/** All that hostile clients do, in order: the same seed gives the same steps. */
export function* planOf(random: Random, { frames, sockets, documents, honest }: PlanOptions): Generator<Step> {
  const makers = documents.map(() => new Frames(random, honest))
  const addresses = Array.from({ length: sockets }, (_, socket) => homeOf(socket, documents))
  for (let sent = 0; sent < frames; sent++) {
    const socket = random.int(0, sockets - 1)
    const luck = random.next()
    if (luck < 0.003) {
      sent--
      yield { does: 'hang up', socket }
    } else if (luck < 0.02) {
      const address = addressNear(addresses[socket] as string, documents, random)
      yield { does: 'sign in', socket, address, as: identityOf(random), epoch: epochOf(random) }
    } else {
      const home = addresses[socket] as string
      const address = random.next() < 0.95 ? home : addressNear(home, documents, random)
      const maker = makers[socket % documents.length] as Frames
      yield { does: 'send', socket, frame: maker.next(address) }
    }
  }
}

/** Where a hostile socket signs in whenever it is new. */
export const homeOf = (socket: number, documents: readonly string[]): string =>
  documents[socket % documents.length] as string

function addressNear(home: string, documents: readonly string[], random: Random): string {
  switch (random.int(0, 5)) {
    case 0:
      return `${home}\0${random.pick(['a', 'b', 'x'.repeat(65), '', '\0', 'ü'])}`
    case 1:
      return random.pick(documents)
    case 2:
      return `${home}-${random.int(0, 5)}`
    case 3:
      return word(random)
    default:
      return home
  }
}

const identityOf = (random: Random): Identity =>
  random.pick(['writer', 'writer', 'other writer', 'reader', 'expired', 'stranger', 'nonsense'])

const epochOf = (random: Random): string | null =>
  random.next() < 0.6 ? null : random.pick(['', 'nonsense', '00000000-0000-4000-8000-000000000000'])
