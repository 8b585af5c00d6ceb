import { closeCode } from '@tidemark/shared'
import { WebSocket } from 'ws'

/** How long a client whose message is too large is kept before its socket is closed, in ms. */
const patienceMs = 10_000

/**
 * A socket that can wait before it is closed for a message that is too large: a stock client connects again at once
 * (`y-websocket` after 200 ms, for as long as the page is open) and sends the same message again. Meanwhile it hears
 * what others write; what it sends is not read any more.
 */
export class PatientWebSocket extends WebSocket {
  /** Whether to wait; asked when it is time to close. */
  isPatient: () => boolean = () => false
  #waiting: NodeJS.Timeout | null = null

  override close(code?: number, data?: string | Buffer): void {
    if (code !== closeCode.messageTooLarge || this.#waiting || !this.isPatient()) {
      this.#stopWaiting()
      super.close(code, data)
      return
    }
    this.#waiting = setTimeout(() => this.close(code, data), patienceMs)
    this.once('close', () => this.#stopWaiting())
  }

  #stopWaiting(): void {
    if (this.#waiting) clearTimeout(this.#waiting)
    this.#waiting = null
  }
}
