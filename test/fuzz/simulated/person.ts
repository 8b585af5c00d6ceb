import { authType, decodeServerMessage, messageType, syncType } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import type { Timeline } from '../../../client/src/testing/timeline.ts'
import { encoded } from '../../helpers/hostile-updates.ts'
import type { SocketLedger } from '../../helpers/ledger.ts'
import { frame, read } from '../../helpers/raw-client.ts'
import type { Node } from '../../simulation/server/node.ts'
import type { SimulatedSocket } from '../../simulation/server/socket.ts'
import { Edits } from '../oracle/edits.ts'

/** Somebody honest, in simulated time: comes back after each close, and says then what the server lacks. */
export class Person {
  readonly name: string
  readonly document: string
  readonly doc = new Y.Doc()
  readonly edits: Edits
  /** The last error that the server told. */
  lastError = ''
  isOpen = false
  readonly #who: { readonly name: string; readonly client: number }
  readonly #timeline: Timeline
  readonly #node: () => Node | null
  #socket: SimulatedSocket | null = null
  #ledger: SocketLedger | null = null
  #isComingBack = false
  #made = 0
  #clock = 0

  constructor(
    who: { readonly name: string; readonly document: string; readonly client: number },
    timeline: Timeline,
    node: () => Node | null,
  ) {
    this.#who = who
    this.name = who.name
    this.document = who.document
    this.doc.clientID = who.client
    this.#timeline = timeline
    this.#node = node
    this.edits = new Edits(this.doc, () => timeline.time)
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (this.isOpen && origin !== 'server') this.#sync(syncType.update, update)
    })
  }

  write(): void {
    this.#made++
    const { doc } = this
    if (this.#made % 3 === 0) doc.getText('text').insert(0, `${this.name}${this.#made} `)
    else doc.getArray('edits').push([`${this.name}#${this.#made}`])
  }

  connect(): void {
    if (this.#socket) return
    const socket = this.#node()?.connect({
      received: (bytes) => {
        if (this.#socket === socket) this.#received(bytes)
      },
      closed: () => {
        if (this.#socket === socket) this.#lost()
      },
    })
    if (!socket) {
      this.#comeBack()
      return
    }
    this.#socket = socket
    this.#ledger = this.edits.socket()
    this.#say((encoder) => {
      encoding.writeVarUint(encoder, messageType.auth)
      encoding.writeVarUint(encoder, authType.token)
      encoding.writeVarString(encoder, this.name)
      encoding.writeVarString(encoder, 'simulated')
    })
  }

  leave(): void {
    this.#socket?.drop()
    this.#socket = null
    this.isOpen = false
    this.#isComingBack = true
  }

  #lost(): void {
    this.#socket = null
    this.isOpen = false
    this.#comeBack()
  }

  #comeBack(): void {
    if (this.#isComingBack) return
    this.#isComingBack = true
    this.#timeline.after(100, () => {
      this.#isComingBack = false
      this.connect()
    })
  }

  #received(bytes: Uint8Array): void {
    this.#ledger?.received(bytes)
    const said = read(bytes)
    switch (said.kind) {
      case 'authenticated':
        this.isOpen = true
        this.#sync(syncType.step1, Y.encodeStateVector(this.doc))
        this.#sayWhoIsHere()
        return
      case 'denied':
      case 'closed':
        this.#socket?.drop()
        this.#lost()
        return
      case 'sync':
        if (said.type === syncType.step1) this.#sync(syncType.step2, Y.encodeStateAsUpdate(this.doc, said.payload))
        else Y.applyUpdate(this.doc, said.payload, 'server')
        return
      case 'stateless': {
        const message = decodeServerMessage(said.payload)
        if (message?.tidemark === 'error') this.lastError = message.code
        return
      }
    }
  }

  /** As every client does, so that its Yjs client is known to be this person's. */
  #sayWhoIsHere(): void {
    const { client, name } = this.#who
    const state = encoded((encoder) => {
      for (const number of [1, client, ++this.#clock]) encoding.writeVarUint(encoder, number)
      encoding.writeVarString(encoder, JSON.stringify({ name }))
    })
    this.#say((encoder) => {
      encoding.writeVarUint(encoder, messageType.awareness)
      encoding.writeVarUint8Array(encoder, state)
    })
  }

  #sync(type: number, payload: Uint8Array): void {
    this.#say((encoder) => {
      encoding.writeVarUint(encoder, messageType.sync)
      encoding.writeVarUint(encoder, type)
      encoding.writeVarUint8Array(encoder, payload)
    })
  }

  #say(write: (encoder: encoding.Encoder) => void): void {
    const bytes = frame(this.document, write)
    this.#ledger?.sent(bytes)
    this.#socket?.send(bytes)
  }
}
