import type { Duplex } from 'node:stream'
import { closeCode } from '@tidemark/shared'
import type { WebSocket } from 'ws'
import type { OutgoingTotal, Room, SlowSocket } from './outgoing-total.ts'
import type { Transport } from './transport.ts'

/**
 * A WebSocket of the `ws` package that speaks Hocuspocus's framing. Data frames are written by this class itself, as one
 * buffer each: `ws` writes header and payload apart, which costs a third of the server's time under load. Pings and closes
 * are `ws`'s; without compression it writes nothing later than it is told, so frames never mix. Frames that are due
 * together, such as the acks of one commit, leave in one system call.
 */
export class WebSocketTransport implements Transport, SlowSocket {
  readonly #webSocket: WebSocket
  readonly #socket: Duplex
  readonly #bufferBytes: number
  /** The largest frame since the buffer was last empty: a big document on its way does not make a slow client. */
  #largest = 0
  #outbox: Buffer[] = []
  readonly #total: OutgoingTotal
  /** What of this socket is counted in the total. */
  #counted = 0
  #isEnded = false

  /**
   * @param socket what `webSocket` was upgraded from
   * @param bufferBytes how much may wait for a client that does not read; beyond it the socket is closed
   */
  constructor(webSocket: WebSocket, socket: Duplex, bufferBytes: number, total: OutgoingTotal) {
    this.#webSocket = webSocket
    this.#socket = socket
    this.#bufferBytes = bufferBytes
    this.#total = total
    socket.on('drain', () => this.#count())
    socket.once('close', () => total.forget(this))
  }

  get bound(): number {
    return this.#bufferBytes
  }

  get left(): number {
    // what the system has not taken of a large frame; the stream counts all of it until the end
    const underWay: unknown = Reflect.get(Reflect.get(this.#socket, '_handle') ?? {}, 'writeQueueSize')
    return this.#socket.writableLength + (typeof underWay === 'number' ? underWay : 0)
  }

  room(bytes: number): Room | null {
    return this.#total.room(this, bytes)
  }

  async whenRoom(bytes: number): Promise<Room | null> {
    return this.isOpen ? await this.#total.whenRoom(this, bytes) : null
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN
  }

  get hears(): boolean {
    return !this.#isEnded
  }

  send(frame: Uint8Array): void {
    if (!this.isOpen) return
    const buffered = this.#socket.writableLength
    this.#largest = Math.max(buffered === 0 ? 0 : this.#largest, frame.byteLength)
    if (buffered > this.#bufferBytes + this.#largest) {
      this.letGo()
      return
    }
    if (this.#outbox.length === 0) flushLater(this)
    this.#outbox.push(...toWire(frame))
  }

  letGo(): void {
    this.close(closeCode.tryAgainLater, 'slow-consumer')
    // a client that does not read does not answer a close either
    this.#webSocket.terminate()
  }

  #count(): void {
    const bytes = this.isOpen ? this.#socket.writableLength : 0
    if (bytes === this.#counted) return
    this.#counted = bytes
    this.#total.set(this, bytes)
  }

  /** Writes what has been sent in this turn of the event loop. */
  flush(): void {
    const due = this.#outbox
    this.#outbox = []
    if (!this.isOpen) return
    const [first, ...others] = due
    if (first && others.length === 0) this.#socket.write(first)
    else if (!due.some(isLarge)) this.#socket.write(Buffer.concat(due))
    else this.#writeApart(due)
    this.#count()
  }

  /** In one system call, too, but without a copy of what is large. */
  #writeApart(due: readonly Buffer[]): void {
    this.#socket.cork()
    for (const buffer of due) this.#socket.write(buffer)
    this.#socket.uncork()
  }

  close(code: number, reason: string): void {
    this.#isEnded = true
    this.flush()
    if (!this.isOpen) return
    this.#webSocket.close(code, reason)
    // the answer to the close is read, too
    if (!this.isOpen) this.#webSocket.resume()
  }

  setPaused(paused: boolean): void {
    if (!this.isOpen) return
    if (paused) this.#webSocket.pause()
    else this.#webSocket.resume()
  }

  limitMessages(bytes: number): void {
    // `ws` takes it at the construction only, and compares each length with it before it reads on
    const receiver: unknown = Reflect.get(this.#webSocket, '_receiver')
    if (typeof receiver !== 'object' || !receiver) return
    if (typeof Reflect.get(receiver, '_maxPayload') !== 'number') throw new Error('ws keeps its limit elsewhere')
    Reflect.set(receiver, '_maxPayload', bytes)
  }
}

let waiting: WebSocketTransport[] = []

/** After the code that is running now, and before anything that comes in. */
function flushLater(transport: WebSocketTransport): void {
  if (waiting.push(transport) > 1) return
  process.nextTick(() => {
    const due = waiting
    waiting = []
    for (const each of due) each.flush()
  })
}

/** A frame that goes to many sockets is put into its envelope once. */
let last: { frame: Uint8Array; wire: [Buffer] } | null = null

/** To copy 60 MB takes a quarter of a second, in which nobody else has their turn. */
const isLarge = ({ byteLength }: Uint8Array) => byteLength >= 64 * 1024

function toWire(frame: Uint8Array): Buffer[] {
  if (isLarge(frame)) return [header(frame.byteLength), Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)]
  if (last?.frame !== frame) last = { frame, wire: [Buffer.concat([header(frame.byteLength), frame])] }
  return last.wire
}

const finalBinary = 0x82

/** RFC 6455, section 5.2: one final binary frame, unmasked as a server's are. */
function header(length: number): Buffer {
  if (length < 126) return Buffer.of(finalBinary, length)
  if (length < 65_536) return Buffer.of(finalBinary, 126, length >> 8, length & 0xff)
  const wide = Buffer.alloc(10)
  wide[0] = finalBinary
  wide[1] = 127
  wide.writeBigUInt64BE(BigInt(length), 2)
  return wide
}
