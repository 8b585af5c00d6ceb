import { messageType, syncType } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import { encoded } from '../../helpers/hostile-updates.ts'
import type { Random } from '../../helpers/random.ts'
import { frame } from '../../helpers/raw-client.ts'
import { mutate } from './mutations.ts'
import { recordTraffic } from './traffic.ts'
import { Updates } from './updates.ts'
import { json, wildNumber, word } from './values.ts'

/** Frames of every kind that there is, and of kinds that there are not. */
export class Frames {
  readonly #random: Random
  readonly #updates: Updates
  /** Real updates, and then also what was written here: mutations are made of them. */
  readonly #material: Uint8Array[]
  readonly #honest: readonly number[]

  constructor(random: Random, honest: readonly number[]) {
    this.#random = random
    this.#honest = honest
    this.#updates = new Updates(random, honest)
    const others = [random.int(1, 2 ** 31), random.int(1, 2 ** 31)]
    this.#material = [...recordTraffic(random, others), ...recordTraffic(random, [...honest, ...others].slice(0, 3))]
  }

  next(address: string): Uint8Array {
    const random = this.#random
    const luck = random.next()
    if (luck < 0.005) return random.bytes(random.int(0, 60))
    if (luck < 0.03) return mutate(this.#frame(address), this.#material, random)
    return this.#frame(address)
  }

  #frame(address: string): Uint8Array {
    const random = this.#random
    const luck = random.next()
    if (luck < 0.62) return sync(address, random.next() < 0.85 ? syncType.update : syncType.step2, this.#update())
    if (luck < 0.66) return sync(address, syncType.step1, this.#stateVector())
    if (luck < 0.75) return this.#awareness(address)
    if (luck < 0.78) return sync(address, random.int(0, 9), this.#update(), messageType.syncReply)
    if (luck < 0.82)
      return message(address, messageType.stateless, (encoder) => encoding.writeVarString(encoder, this.#words()))
    if (luck < 0.84) return Uint8Array.of(random.pick([messageType.ping, messageType.pong]))
    if (luck < 0.87) return message(address, messageType.queryAwareness, () => {})
    if (luck < 0.88)
      return message(address, messageType.close, (encoder) => encoding.writeVarString(encoder, word(random)))
    if (luck < 0.9)
      return message(address, messageType.syncStatus, (encoder) => encoding.writeVarUint(encoder, random.int(0, 2)))
    if (luck < 0.92)
      return message(address, messageType.broadcastStateless, (encoder) =>
        encoding.writeVarString(encoder, this.#words()),
      )
    if (luck < 0.94)
      return message(address, messageType.auth, (encoder) =>
        encoding.writeUint8Array(encoder, random.bytes(random.int(0, 30))),
      )
    if (luck < 0.96)
      return message(address, random.int(11, 127), (encoder) => encoding.writeUint8Array(encoder, random.bytes(9)))
    return sync(address, random.int(0, 5), random.bytes(random.int(0, 40)))
  }

  #update(): Uint8Array {
    const random = this.#random
    if (random.next() < 0.7) {
      const update = this.#updates.next()
      if (this.#material.length < 500 && update.byteLength < 2_000) this.#material.push(update)
      return random.next() < 0.05 ? mutate(update, this.#material, random) : update
    }
    const real = random.pick(this.#material)
    return random.next() < 0.7 ? mutate(real, this.#material, random) : real
  }

  #stateVector(): Uint8Array {
    const random = this.#random
    const entries = Array.from({ length: random.int(0, 4) }, () => [wildNumber(random), wildNumber(random)] as const)
    const count = random.next() < 0.1 ? wildNumber(random) : entries.length
    return encoded((encoder) => {
      encoding.writeVarUint(encoder, count)
      for (const pair of entries) for (const number of pair) encoding.writeVarUint(encoder, number)
    })
  }

  #awareness(address: string): Uint8Array {
    const random = this.#random
    const states = Array.from({ length: random.next() < 0.02 ? random.int(10, 100) : random.int(0, 3) }, () => {
      const client = random.next() < 0.1 && this.#honest.length > 0 ? random.pick(this.#honest) : wildNumber(random)
      return { client, clock: wildNumber(random), state: random.next() < 0.2 ? 'null' : json(random, 0.1) }
    })
    const count = random.next() < 0.05 ? wildNumber(random) : states.length
    const payload = encoded((encoder) => {
      encoding.writeVarUint(encoder, count)
      for (const { client, clock, state } of states) {
        encoding.writeVarUint(encoder, client)
        encoding.writeVarUint(encoder, clock)
        encoding.writeVarString(encoder, state)
      }
    })
    return message(address, messageType.awareness, (encoder) => encoding.writeVarUint8Array(encoder, payload))
  }

  #words(): string {
    const random = this.#random
    return random.next() < 0.5
      ? json(random, 0.2)
      : `{"tidemark":"${random.pick(['hello', 'error', 'x'])}","code":"${word(random)}"}`
  }
}

const message = (address: string, type: number, write: (encoder: encoding.Encoder) => void): Uint8Array =>
  frame(address, (encoder) => {
    encoding.writeVarUint(encoder, type)
    write(encoder)
  })

const sync = (address: string, type: number, payload: Uint8Array, kind: number = messageType.sync): Uint8Array =>
  message(address, kind, (encoder) => {
    encoding.writeVarUint(encoder, type)
    encoding.writeVarUint8Array(encoder, payload)
  })
