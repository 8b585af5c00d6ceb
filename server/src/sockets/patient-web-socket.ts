import { closeCode } from '@tidemark/shared'
import { WebSocket } from 'ws'

/** How long a client whose message is too large is kept before its socket is closed, in ms. */
export const patienceMs = 10_000

/**
 * A socket that can wait before it is closed: a stock client connects again at once (`y-websocket` after 200 ms, for as
 * long as the page is open) and sends the same message, or the same token, again. Meanwhile it hears what others write; what
 * it sends is not read any more.
 */
export class PatientWebSocket extends WebSocket {
  /** How long to wait, in ms; asked when it is time to close. */
  patience: (code: number) => number = () => 0
  /** It began, or ceased, to wait. */
  waits: (isWaiting: boolean) => void = () => {}
  #waiting: NodeJS.Timeout | null = null

  override close(code?: number, data?: string | Buffer): void {
    // `ws` calls this once more for the client's answer to a close
    const mayWait = code !== undefined && this.readyState === this.OPEN && !this.#waiting
    const ms = mayWait ? this.patience(code) : 0
    if (ms === 0) {
      this.#stopWaiting()
      super.close(code, data)
      // the answer to the close is read, too
      this.resume()
      return
    }
    this.#waiting = setTimeout(() => this.close(code, data), ms)
    this.waits(true)
    if (code !== closeCode.messageTooLarge) this.pause()
    this.once('close', () => this.#stopWaiting())
  }

  #stopWaiting(): void {
    if (!this.#waiting) return
    clearTimeout(this.#waiting)
    this.#waiting = null
    this.waits(false)
  }
}
