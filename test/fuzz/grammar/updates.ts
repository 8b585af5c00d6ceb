import * as encoding from 'lib0/encoding'
import type { Random } from '../../helpers/random.ts'
import { content } from './contents.ts'
import { type Block, type Deletion, type Id, type Spelled, spellItem, spellRange, spellUpdate } from './spell.ts'
import { wildNumber, word } from './values.ts'

/** The types of the document's own that honest people use, and others. */
const roots = ['edits', 'edits', 'text', 'map', 'other', '']
/** Structs that are written as if they were somebody else's, or nobody's. */
const strangers = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1]

/** Writes updates that stand on those it wrote before, and on what honest people may have written. */
export class Updates {
  readonly #random: Random
  readonly #own: number[]
  readonly #honest: readonly number[]
  /** For each Yjs client, the clock that comes next if all that was written was taken. */
  readonly #next = new Map<number, number>()
  /** Types that were written, the newest last: what can stand in them. */
  readonly #types: Id[] = []

  constructor(random: Random, honest: readonly number[]) {
    this.#random = random
    this.#honest = honest
    this.#own = Array.from({ length: 4 }, () => random.int(1, 2 ** 32 - 1))
    // what honest people have written by about then
    for (const client of honest) this.#next.set(client, 20)
  }

  next(): Uint8Array {
    const random = this.#random
    const wildness = random.pick([0, 0, 0, 0.02, 0.1, 0.5])
    if (random.next() < 0.01) return this.#crowd()
    if (random.next() < 0.02) return this.#circle()
    const blocks = Array.from({ length: random.next() < 0.7 ? 1 : random.int(0, 4) }, () => this.#block(wildness))
    const deletions = random.next() < 0.3 || blocks.length === 0 ? this.#deletions(wildness) : new Map()
    const isWild = random.next() < wildness * 0.1
    return spellUpdate(blocks, deletions, isWild ? { blocks: wildNumber(random), deletions: wildNumber(random) } : {})
  }

  #block(wildness: number): Block {
    const random = this.#random
    const client = this.#client(wildness)
    const next = this.#next.get(client) ?? 0
    const luck = random.next()
    let clock = next
    // known already, from the middle of something on, or with something missing before it
    if (luck < 0.1) clock = random.int(0, next)
    else if (luck < 0.2) clock = next + random.int(1, 30)
    else if (random.next() < wildness * 0.1) clock = wildNumber(random)
    const structs: Block['structs'] = []
    let end = clock
    for (let count = random.next() < 0.6 ? 1 : random.int(1, 8); count > 0; count--) {
      const { write, length } = this.#struct({ client, clock: end }, wildness)
      structs.push(write)
      end += length
    }
    const isWild = random.next() < wildness * 0.1
    if (end > next && end < 2 ** 31) this.#next.set(client, end)
    return { client, clock, structs, count: isWild ? wildNumber(random) : structs.length }
  }

  #struct(id: Id, wildness: number): { write: Block['structs'][number]; length: number } {
    const random = this.#random
    if (random.next() < 0.04) {
      const length = random.next() < wildness ? wildNumber(random) : random.int(1, 40)
      return { write: spellRange(random.next() < 0.7 ? 0 : 10, length), length }
    }
    const { kind, length, write } = content(random, wildness)
    const place = this.#place(wildness)
    if (kind === 7) this.#types.push(id)
    const flags = random.next() < wildness * 0.1 ? random.int(0, 7) << 5 : flagsOf(place)
    return { write: spellItem({ ...place, info: kind | flags, content: write }), length }
  }

  /** Where an item says it stands. */
  #place(wildness: number): Pick<Spelled, 'origin' | 'rightOrigin' | 'parent' | 'key'> {
    const random = this.#random
    const [left, right] = [random.next() < 0.5, random.next() < 0.3]
    const deepest = random.next() < 0.5 ? this.#types.at(-1) : this.#types[random.int(0, this.#types.length)]
    return {
      origin: left ? this.#id(wildness) : null,
      rightOrigin: right ? this.#id(wildness) : null,
      parent: random.next() < 0.5 ? random.pick(roots) : (deepest ?? this.#id(wildness)),
      key: random.next() < 0.3 ? random.pick(['a', 'b', word(random)]) : '',
    }
  }

  #id(wildness: number): Id {
    const random = this.#random
    const client = this.#client(wildness)
    const next = this.#next.get(client) ?? 0
    const luck = random.next()
    if (luck < 0.75) return { client, clock: random.int(Math.max(0, next - 30), Math.max(0, next - 1)) }
    if (luck < 0.9) return { client, clock: random.int(0, Math.max(0, next - 1)) }
    if (luck < 0.97) return { client, clock: next + random.int(0, 50) }
    return { client, clock: wildNumber(random) }
  }

  #client(wildness: number): number {
    const random = this.#random
    const luck = random.next()
    if (luck < 0.85) return random.pick(this.#own)
    if (luck < 0.97 || this.#honest.length === 0)
      return random.next() < wildness ? random.pick(strangers) : random.pick(this.#own)
    return random.pick(this.#honest)
  }

  #deletions(wildness: number): Map<number, Deletion[]> {
    const random = this.#random
    const deletions = new Map<number, Deletion[]>()
    for (let count = random.int(1, 3); count > 0; count--) {
      const ranges = Array.from({ length: random.next() < 0.02 ? random.int(50, 500) : random.int(1, 4) }, () => {
        const { clock } = this.#id(wildness)
        return { clock, length: random.next() < wildness ? wildNumber(random) : random.int(1, 6) }
      })
      deletions.set(this.#client(wildness), ranges)
    }
    return deletions
  }

  /** Many clients at one place at once: each is compared with all that are there. */
  #crowd(): Uint8Array {
    const random = this.#random
    const first = random.int(2 ** 20, 2 ** 31)
    const root = random.pick(roots)
    const isDescending = random.next() < 0.5
    const blocks = Array.from({ length: random.int(20, 200) }, (_, index) => {
      const place = { origin: null, rightOrigin: null, parent: root, key: random.next() < 0.01 ? 'a' : '' }
      const write = spellItem({ ...place, info: 4 | flagsOf(place), content: oneLetter })
      return { client: isDescending ? first - index : first + index, clock: 0, count: 1, structs: [write] }
    })
    return spellUpdate(blocks, new Map())
  }

  /** Items of two clients that stand on each other, or on themselves. */
  #circle(): Uint8Array {
    const random = this.#random
    const [one, other] = [random.pick(this.#own), random.int(1, 2 ** 31)]
    const ids = [one, other].map((client) => ({ client, clock: this.#next.get(client) ?? 0 }))
    const blocks = ids.map((id, index) => {
      const beyond = ids[random.next() < 0.8 ? 1 - index : index] as Id
      const kind = random.next() < 0.5 ? 7 : 4
      const below = random.next() < 0.5
      const place = {
        origin: below ? null : beyond,
        rightOrigin: random.next() < 0.3 ? beyond : null,
        parent: beyond,
        key: '',
      }
      const write = spellItem({ ...place, info: kind | flagsOf(place), content: kind === 4 ? oneLetter : anArray })
      return { ...id, count: 1, structs: [write] }
    })
    return spellUpdate(blocks, new Map())
  }
}

const oneLetter = (encoder: encoding.Encoder): void => encoding.writeVarString(encoder, 'x')
const anArray = (encoder: encoding.Encoder): void => encoding.writeVarUint(encoder, 0)

const flagsOf = ({ origin, rightOrigin, key }: Pick<Spelled, 'origin' | 'rightOrigin' | 'key'>): number =>
  (origin ? 128 : 0) | (rightOrigin ? 64 : 0) | (key === '' ? 0 : 32)
