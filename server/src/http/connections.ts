import type { Socket } from 'node:net'
import type { Pace } from '@tidemark/shared'

/** So many are read again in a turn: each of them may have something that takes a while to parse. */
const mostAtOnce = 64

/**
 * The connections that speak HTTP. What has come on all of them is due in one turn of the event loop, and parsed before anybody
 * is asked: 2,000 requests with long headers take a third of a second. So when a turn is over nothing more is read (R6.41), and
 * in the turns after it a few are read again, those first that are there for longest.
 */
export class Connections {
  readonly #pace: Pace
  /** In the order in which they came. */
  readonly #open = new Set<Socket>()
  readonly #paused = new Set<Socket>()
  #isResting = false

  constructor(pace: Pace) {
    this.#pace = pace
  }

  add(socket: Socket): void {
    this.#open.add(socket)
    socket.once('close', () => this.leave(socket))
  }

  /** It speaks HTTP no more. */
  leave(socket: Socket): void {
    this.#open.delete(socket)
    this.#paused.delete(socket)
  }

  /** Something came on one of them. */
  heard(): void {
    if (this.#paused.size === this.#open.size || !this.#pace.isOver()) return
    for (const socket of this.#open) {
      if (this.#paused.has(socket)) continue
      this.#paused.add(socket)
      socket.pause()
    }
    if (!this.#isResting) void this.#readOn()
  }

  async #readOn(): Promise<void> {
    this.#isResting = true
    while (this.#paused.size > 0) {
      await this.#pace.rest()
      let left = mostAtOnce
      for (const socket of this.#open) {
        if (!this.#paused.delete(socket)) continue
        socket.resume()
        if (--left === 0) break
      }
    }
    this.#isResting = false
  }
}
