import { closeCode } from '@tidemark/shared'
import type { WebSocket } from 'ws'
import type { Transport } from './transport.ts'

const binary = { binary: true, compress: false }

/** A WebSocket of the `ws` package that speaks Hocuspocus's framing. */
export class WebSocketTransport implements Transport {
  readonly #webSocket: WebSocket
  readonly #bufferBytes: number
  /** The largest frame since the buffer was last empty: a big document on its way does not make a slow client. */
  #largest = 0

  /** @param bufferBytes how much may wait for a client that does not read; beyond it the socket is closed */
  constructor(webSocket: WebSocket, bufferBytes: number) {
    this.#webSocket = webSocket
    this.#bufferBytes = bufferBytes
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN
  }

  send(frame: Uint8Array): void {
    if (!this.isOpen) return
    const buffered = this.#webSocket.bufferedAmount
    this.#largest = Math.max(buffered === 0 ? 0 : this.#largest, frame.byteLength)
    if (buffered > this.#bufferBytes + this.#largest) {
      this.close(closeCode.tryAgainLater, 'slow-consumer')
      // a client that does not read does not answer a close either
      this.#webSocket.terminate()
      return
    }
    this.#webSocket.send(frame, binary)
  }

  close(code: number, reason: string): void {
    if (this.isOpen) this.#webSocket.close(code, reason)
  }

  setPaused(paused: boolean): void {
    if (!this.isOpen) return
    if (paused) this.#webSocket.pause()
    else this.#webSocket.resume()
  }
}
