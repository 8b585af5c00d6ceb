/** A socket whose client reads more slowly than it is sent to. */
export interface SlowSocket {
  letGo(): void
}

/** What waits for all clients together: beyond the limit those go for whom most waits (R6.4). */
export class OutgoingTotal {
  readonly #limit: number
  readonly #waiting = new Map<SlowSocket, number>()
  #total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** So much waits for the socket now. */
  set(socket: SlowSocket, bytes: number): void {
    this.#total += bytes - (this.#waiting.get(socket) ?? 0)
    if (bytes > 0) this.#waiting.set(socket, bytes)
    else this.#waiting.delete(socket)
    while (this.#total > this.#limit && this.#waiting.size > 0) this.#letGo()
  }

  get bytes(): number {
    return this.#total
  }

  #letGo(): void {
    let slowest: SlowSocket | null = null
    let most = 0
    for (const [socket, bytes] of this.#waiting) {
      if (bytes <= most) continue
      slowest = socket
      most = bytes
    }
    if (!slowest) return
    this.set(slowest, 0)
    slowest.letGo()
  }
}
