import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of one connection that wait for their answers. Browsers and proxies send the next one when they have the last answer. */
export const mostUnanswered = 4
/** No route takes more than a few lines, in bytes. */
const largestBody = 16 * 1024

const unanswered = new WeakMap<object, number>()

/** Whether a request of the connection waits for its answer. */
export const isAsking = (connection: object): boolean => (unanswered.get(connection) ?? 0) > 0

type Refusal = 'too-many-requests' | 'message-too-large'

/**
 * A request as the parser meets it (W11). Node parses all that has come on a connection, up to 64 KiB, before anybody else has a
 * turn: two thousand requests, or ten thousand chunks of a body. It stops at a request that asks for an upgrade: that takes
 * the connection out of HTTP. So a request that is refused for what comes with it says that it does.
 */
export class Asked extends IncomingMessage {
  declare protected asksUpgrade: boolean | null
  #refusal: Refusal | null | undefined

  constructor(socket: Socket) {
    super(socket)
    unanswered.set(socket, (unanswered.get(socket) ?? 0) + 1)
  }

  get upgrade(): boolean {
    return this.asksUpgrade === true || this.refusal !== null
  }

  // Node's own constructor sets it, too, when nothing of this class is there yet
  set upgrade(asks: boolean | null) {
    this.asksUpgrade = asks
  }

  /** Why nothing behind its headers is read. The parser is the first who asks. */
  get refusal(): Refusal | null {
    if (this.#refusal === undefined) this.#refusal = this.#decide()
    return this.#refusal
  }

  #decide(): Refusal | null {
    if ((unanswered.get(this.socket) ?? 0) > mostUnanswered) return 'too-many-requests'
    const { 'content-length': length, 'transfer-encoding': encoding } = this.headers
    return encoding !== undefined || Number(length ?? 0) > largestBody ? 'message-too-large' : null
  }

  /** Whether it is the only one of its connection that waits for an answer. */
  get isAlone(): boolean {
    return unanswered.get(this.socket) === 1
  }

  /** It has been answered. */
  answered(): void {
    unanswered.set(this.socket, (unanswered.get(this.socket) ?? 1) - 1)
  }
}
