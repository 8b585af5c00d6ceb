import { type Clock, closeCode, type ErrorCode } from '@tidemark/shared'
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

/** How long a socket is kept whose sessions have all ended, in ms: its client may open another document. */
const idleMs = 10 * 60_000

const strangersEnd = { code: closeCode.authenticationTimeout, reason: 'authentication-timeout' } as const
const idleEnd = { code: closeCode.idle, reason: 'connection-idle' } as const

/** What is asked of a WebSocket of the `ws` package; what it is sent goes through its transport. */
export type ServedSocket = Pick<WebSocket, 'on' | 'once' | 'ping' | 'terminate' | 'readyState' | 'OPEN'>

interface Member {
  webSocket: ServedSocket
  gate: Gate
  unanswered: number
  /** Its time without a session runs; null while it has one. */
  cancelDeadline: (() => void) | null
}

/** All sockets of this process: how many there may be, who must still authenticate, who is still alive. */
export class Sockets {
  readonly #members = new Map<ServedSocket, Member>()
  readonly #limits: SocketLimits
  readonly #clock: Clock
  #withoutSession = 0
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
    return this.#withoutSession
  }

  gates(): Gate[] {
    return [...this.#members.values()].map(({ gate }) => gate)
  }

  /** Whether one more may come. */
  get hasRoom(): boolean {
    return this.count < this.#limits.sockets && this.unauthenticated < this.#limits.unauthenticatedSockets
  }

  add(webSocket: ServedSocket, gate: Gate): void {
    const member: Member = { webSocket, gate, unanswered: 0, cancelDeadline: null }
    this.#members.set(webSocket, member)
    this.#await(member, this.#limits.authenticationMs, () => this.#expel(member, strangersEnd))
    gate.authenticationChanged = (isAuthenticated) => {
      if (this.#members.get(webSocket) !== member) return
      // who was let in before is no stranger: its client may open another document
      if (isAuthenticated) this.#stopWaiting(member)
      else this.#await(member, idleMs, () => this.#expel(member, idleEnd))
    }
    webSocket.on('pong', () => {
      member.unanswered = 0
    })
    if (this.#paused) gate.reading.set('journal', true)
  }

  #await(member: Member, ms: number, end: () => void): void {
    this.#stopWaiting(member)
    this.#withoutSession++
    member.cancelDeadline = this.#clock.after(ms, end)
  }

  #stopWaiting(member: Member): void {
    if (!member.cancelDeadline) return
    member.cancelDeadline()
    member.cancelDeadline = null
    this.#withoutSession--
  }

  #expel(member: Member, { code, reason }: { code: number; reason: ErrorCode }): void {
    const { webSocket, gate } = member
    gate.close(code, reason)
    // a stranger that does not answer the close does not keep the socket
    member.cancelDeadline = this.#clock.after(2_000, () => webSocket.terminate())
  }

  remove(webSocket: ServedSocket): void {
    const member = this.#members.get(webSocket)
    if (!member) return
    this.#stopWaiting(member)
    this.#members.delete(webSocket)
  }

  /** Stops reading from all clients while the journal is full, and starts again (R6.4). */
  setPaused(paused: boolean): void {
    this.#paused = paused
    for (const { gate } of this.#members.values()) gate.reading.set('journal', paused)
  }

  #beat(): void {
    this.#cancelHeartbeat = this.#clock.after(heartbeatMs, () => this.#beat())
    for (const member of this.#members.values()) {
      // one that is not read cannot show that it is alive
      if (member.gate.reading.isPaused) continue
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
