import { EventEmitter } from 'node:events'
import type { Timeline } from '../../../client/src/testing/timeline.ts'
import type { ServedSocket } from '../../../server/src/sockets/sockets.ts'
import type { Transport } from '../../../server/src/sockets/transport.ts'
import type { Random } from '../../helpers/random.ts'
import type { SimulatedProcess } from './process.ts'

export interface Caller {
  received(frame: Uint8Array): void
  closed(code: number, reason: string): void
}

/**
 * A WebSocket from a client to a server's process: frames keep their order and take their time. A client whose line is
 * dead hears nothing and says nothing, and neither side is told.
 */
export class SimulatedSocket {
  isOpen = true
  /** The line passes nothing, and nobody knows. */
  isDead = false
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #process: SimulatedProcess
  readonly #caller: Caller
  readonly #server = new EventEmitter()
  #isPaused = false
  readonly #unread: Uint8Array[] = []
  readonly #last = { up: 0, down: 0 }

  constructor(
    world: { readonly timeline: Timeline; readonly random: Random; readonly process: SimulatedProcess },
    caller: Caller,
  ) {
    this.#timeline = world.timeline
    this.#random = world.random
    this.#process = world.process
    this.#caller = caller
  }

  // ——— the server's end ———

  get served(): ServedSocket {
    const served = Object.assign(this.#server, {
      OPEN: 1 as const,
      ping: () => {
        if (!this.isDead) this.#travel('up', () => this.#emit('pong'))
      },
      terminate: () => this.#end(1006, ''),
    })
    Object.defineProperty(served, 'readyState', { get: () => (this.isOpen ? 1 : 3), configurable: true })
    return served as unknown as ServedSocket
  }

  get transport(): Transport {
    const socket = this
    return {
      get isOpen() {
        return socket.isOpen
      },
      get hears() {
        return socket.isOpen
      },
      send: (frame) => {
        if (!this.isOpen || this.isDead) return
        const copy = frame.slice()
        this.#travel('down', () => this.#caller.received(copy))
      },
      close: (code, reason) => {
        if (this.isOpen) this.#end(code, reason)
      },
      setPaused: (isPaused) => {
        this.#isPaused = isPaused
        // a stream that is resumed flows in a later turn
        if (!isPaused) this.#timeline.effectAt(this.#timeline.time, () => this.#readOn())
      },
      limitMessages: () => {},
      room: () => endless,
      whenRoom: async () => endless,
    }
  }

  #end(code: number, reason: string): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#travel('down', () => this.#caller.closed(code, reason))
    this.#travel('up', () => this.#emit('close', code, Buffer.from(reason)))
  }

  #readOn(): void {
    while (this.isOpen && !this.#isPaused && this.#unread.length > 0) this.#read(this.#unread.shift()!)
  }

  #read(frame: Uint8Array): void {
    this.#emit('message', Buffer.from(frame), true)
  }

  #emit(event: string, ...values: unknown[]): void {
    if (this.#process.isAlive) this.#process.run(() => this.#server.emit(event, ...values))
  }

  // ——— the client's end ———

  send(frame: Uint8Array): void {
    if (!this.isOpen || this.isDead) return
    const copy = frame.slice()
    this.#travel('up', () => {
      if (!this.isOpen) return
      if (this.#isPaused || this.#unread.length > 0) this.#unread.push(copy)
      else this.#read(copy)
    })
  }

  /** The client goes, or its line breaks. */
  drop(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#travel('up', () => this.#emit('close', 1006, Buffer.from('')))
  }

  /** The server's process is gone, with all it had not handed to the network. */
  lose(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#travel('down', () => this.#caller.closed(1006, ''))
  }

  #travel(direction: 'up' | 'down', arrive: () => void): void {
    const at = Math.max(this.#last[direction], this.#timeline.time + this.#random.int(0, 3))
    this.#last[direction] = at
    this.#timeline.effectAt(at, arrive)
  }
}

const endless = { grow() {}, leave() {} }
