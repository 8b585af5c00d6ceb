import WebSocket from 'ws'
import { signIn } from '../findings.ts'
import { homeOf, type Identity, type Step } from '../plan.ts'

/** The sockets of hostile clients: what the server ends is opened again when its next frame is due. */
export class Hostile implements Disposable {
  sent = 0
  readonly #url: string
  readonly #documents: readonly string[]
  readonly #token: (identity: Identity) => string
  readonly #sockets = new Map<number, WebSocket>()

  constructor(url: string, documents: readonly string[], token: (identity: Identity) => string) {
    this.#url = url
    this.#documents = documents
    this.#token = token
  }

  async perform(step: Step): Promise<void> {
    if (step.does === 'hang up') {
      this.#sockets.get(step.socket)?.terminate()
      this.#sockets.delete(step.socket)
      return
    }
    const socket = await this.#open(step.socket)
    if (!socket) return
    this.sent += 1
    socket.send(step.does === 'send' ? step.frame : signIn(step, this.#token))
  }

  async #open(number: number): Promise<WebSocket | null> {
    const before = this.#sockets.get(number)
    if (before?.readyState === WebSocket.OPEN) return before
    const socket = new WebSocket(this.#url)
    this.#sockets.set(number, socket)
    // nobody listens to what is answered
    socket.on('message', () => {})
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('open', () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.on('error', () => {})
    })
    if (!isOpen) return null
    const address = homeOf(number, this.#documents)
    socket.send(signIn({ does: 'sign in', socket: number, address, as: 'writer', epoch: null }, this.#token))
    return socket
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets.values()) socket.terminate()
  }
}
