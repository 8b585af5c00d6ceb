import { messageType } from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { WebSocket } from 'ws'
import type { Protocol } from './replica.ts'

/** What each person shows: a name, a colour and a cursor, about as long as an editor's. */
const stateOf = (client: number, moved: number) =>
  JSON.stringify({
    user: { name: `Person ${client}`, color: '#0f766e' },
    cursor: { anchor: client, head: moved },
    moved,
  })

/** One person in a crowd: a bare socket that says where they are; only a few also read what the others say. */
export class Person {
  readonly client: number
  readonly #socket: WebSocket
  readonly #prefix: string | null
  #clock = 0

  constructor(protocol: Protocol, url: string, name: string, client: number) {
    this.client = client
    this.#prefix = protocol === 'hocuspocus' ? name : null
    this.#socket = new WebSocket(protocol === 'hocuspocus' ? url : `${url}/${name}`, { perMessageDeflate: false })
  }

  async join(): Promise<void> {
    await new Promise((resolve, reject) => {
      this.#socket.once('open', resolve)
      this.#socket.once('error', reject)
    })
    if (this.#prefix === null) return
    const answered = new Promise((resolve) => this.#socket.once('message', resolve))
    this.#send(messageType.auth, (encoder) => {
      encoding.writeVarUint(encoder, 0)
      encoding.writeVarString(encoder, 'anybody')
      encoding.writeVarString(encoder, '4.7.0')
    })
    await answered
  }

  /** @param moment `performance.now()` of the move, which those who see it are told */
  move(moment: number): void {
    const states = encoding.createEncoder()
    encoding.writeVarUint(states, 1)
    encoding.writeVarUint(states, this.client)
    encoding.writeVarUint(states, ++this.#clock)
    encoding.writeVarString(states, stateOf(this.client, moment))
    this.#send(messageType.awareness, (encoder) => encoding.writeVarUint8Array(encoder, encoding.toUint8Array(states)))
  }

  /** Reads what the others say from now on. */
  watch(seen: (client: number, clock: number, moment: number) => void): void {
    this.#socket.on('message', (data: Buffer) => {
      const decoder = decoding.createDecoder(data)
      if (this.#prefix !== null) decoding.readVarString(decoder)
      if (decoding.readVarUint(decoder) !== messageType.awareness) return
      const states = decoding.createDecoder(decoding.readVarUint8Array(decoder))
      for (let count = decoding.readVarUint(states); count > 0; count--) {
        const client = decoding.readVarUint(states)
        const clock = decoding.readVarUint(states)
        const state = JSON.parse(decoding.readVarString(states)) as { moved: number } | null
        if (state) seen(client, clock, state.moved)
      }
    })
  }

  #send(type: number, write: (encoder: encoding.Encoder) => void): void {
    const encoder = encoding.createEncoder()
    if (this.#prefix !== null) encoding.writeVarString(encoder, this.#prefix)
    encoding.writeVarUint(encoder, type)
    write(encoder)
    this.#socket.send(encoding.toUint8Array(encoder))
  }
}
