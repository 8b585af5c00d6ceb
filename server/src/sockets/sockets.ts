import { type Clock, closeCode } from '@tidemark/shared'
import type { WebSocket } from 'ws'
import type { Gate } from './gate.ts'

export interface SocketLimits {
  sockets: number
  unauthenticatedSockets: number
  authenticationMs: number
}

/** How often each socket is pinged, and how many unanswered pings end it (V3). */
const heartbeatMs = 30_000
const missedHeartbeats = 2

/** What is asked of a WebSocket of the `ws` package; what it is sent goes through its transport. */
export type ServedSocket = Pick<WebSocket, 'on' | 'once' | 'ping' | 'terminate' | 'readyState' | 'OPEN'>

interface Member {
  webSocket: ServedSocket
  gate: Gate
  unanswered: number
  cancelDeadline: () => void
}

/** All sockets of this process: how many there may be, who must still authenticate, who is still alive. */
export class Sockets {
  readonly #members = new Map<ServedSocket, Member>()
  readonly #limits: SocketLimits
  readonly #clock: Clock
  #cancelHeartbeat: () => void
  #paused = false

  constructor(limits: SocketLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#cancelHeartbeat = clock.after(heartbeatMs, () => this.#beat())
  }

  get count(): number {
    return this.#members.size
  }

  get unauthenticated(): number {
    let count = 0
    for (const { gate } of this.#members.values()) if (!gate.isAuthenticated) count++
    return count
  }

  gates(): Gate[] {
    return [...this.#members.values()].map(({ gate }) => gate)
  }

  /** Whether one more may come; counted again only near the limit, because counting walks all sockets. */
  get hasRoom(): boolean {
    if (this.#members.size >= this.#limits.sockets) return false
    return (
      this.#members.size < this.#limits.unauthenticatedSockets ||
      this.unauthenticated < this.#limits.unauthenticatedSockets
    )
  }

  add(webSocket: ServedSocket, gate: Gate): void {
    const cancelDeadline = this.#clock.after(this.#limits.authenticationMs, () => {
      if (!gate.isAuthenticated) this.#expel(webSocket, gate)
    })
    this.#members.set(webSocket, { webSocket, gate, unanswered: 0, cancelDeadline })
    webSocket.on('pong', () => {
      const member = this.#members.get(webSocket)
      if (member) member.unanswered = 0
    })
    if (this.#paused) gate.setPaused(true)
  }

  #expel(webSocket: ServedSocket, gate: Gate): void {
    gate.close(closeCode.authenticationTimeout, 'authentication-timeout')
    // a stranger that does not answer the close does not keep the socket
    const cancel = this.#clock.after(2_000, () => webSocket.terminate())
    const member = this.#members.get(webSocket)
    if (member) member.cancelDeadline = cancel
  }

  remove(webSocket: ServedSocket): void {
    const member = this.#members.get(webSocket)
    if (!member) return
    member.cancelDeadline()
    this.#members.delete(webSocket)
  }

  /** Stops reading from all clients while the journal is full, and starts again (R6.4). */
  setPaused(paused: boolean): void {
    this.#paused = paused
    for (const { gate } of this.#members.values()) gate.setPaused(paused)
  }

  #beat(): void {
    this.#cancelHeartbeat = this.#clock.after(heartbeatMs, () => this.#beat())
    // a paused socket cannot show that it is alive
    if (this.#paused) return
    for (const member of this.#members.values()) {
      if (member.unanswered >= missedHeartbeats) {
        member.webSocket.terminate()
        continue
      }
      member.unanswered += 1
      // answered by the browser itself, also in a tab whose timers are throttled
      if (member.webSocket.readyState === member.webSocket.OPEN) member.webSocket.ping()
    }
  }

  /** Closes all sockets; resolves when they are gone, at the latest after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#cancelHeartbeat()
    const gone = [...this.#members.values()].map(
      ({ webSocket }) => new Promise<void>((resolve) => webSocket.once('close', () => resolve())),
    )
    for (const { gate } of this.#members.values()) {
      gate.setPaused(false)
      gate.close(closeCode.serviceRestart, 'server-restarting')
    }
    let cancel = (): void => {}
    await Promise.race([
      Promise.all(gone),
      new Promise<void>((resolve) => {
        cancel = this.#clock.after(timeoutMs, resolve)
      }),
    ])
    cancel()
    for (const { webSocket } of this.#members.values()) webSocket.terminate()
  }
}
