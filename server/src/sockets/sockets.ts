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

/** How long a socket is kept whose sessions have all ended, in ms: its client may open another document. */
const idleMs = 60 * 60_000

/** What is asked of a WebSocket of the `ws` package; what it is sent goes through its transport. */
export type ServedSocket = Pick<WebSocket, 'on' | 'once' | 'ping' | 'terminate' | 'readyState' | 'OPEN'>

interface Member {
  webSocket: ServedSocket
  gate: Gate
  unanswered: number
  standing: Standing
  /** Of its time without a session. */
  cancelDeadline: () => void
}

type Standing = 'stranger' | 'in-use' | 'idle'

/** All sockets of this process: how many there may be, who must still authenticate, who is still alive. */
export class Sockets {
  readonly #members = new Map<ServedSocket, Member>()
  readonly #limits: SocketLimits
  readonly #clock: Clock
  #strangers = 0
  /** Those whose sessions have all ended, in the order in which they did. */
  readonly #idle = new Set<Member>()
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
    return this.#strangers
  }

  gates(): Gate[] {
    return [...this.#members.values()].map(({ gate }) => gate)
  }

  /** Whether one more may come; idle ones make room. */
  get hasRoom(): boolean {
    const { sockets, unauthenticatedSockets } = this.#limits
    return this.count - this.#idle.size < sockets && this.#strangers < unauthenticatedSockets
  }

  add(webSocket: ServedSocket, gate: Gate): void {
    const member: Member = { webSocket, gate, unanswered: 0, standing: 'in-use', cancelDeadline: () => {} }
    this.#members.set(webSocket, member)
    this.#become(member, 'stranger')
    const [longestIdle] = this.#idle
    if (longestIdle && this.count > this.#limits.sockets) this.#expel(longestIdle)
    gate.authenticationChanged = (isAuthenticated) => {
      // who was let in before is no stranger: its client may open another document
      if (this.#members.get(webSocket) === member) this.#become(member, isAuthenticated ? 'in-use' : 'idle')
    }
    webSocket.on('pong', () => {
      member.unanswered = 0
    })
    if (this.#paused) gate.reading.set('journal', true)
  }

  #become(member: Member, standing: Standing): void {
    this.#forget(member)
    member.standing = standing
    if (standing === 'in-use') return
    if (standing === 'stranger') this.#strangers++
    else this.#idle.add(member)
    const time = standing === 'stranger' ? this.#limits.authenticationMs : idleMs
    member.cancelDeadline = this.#clock.after(time, () => this.#expel(member))
  }

  #forget(member: Member): void {
    member.cancelDeadline()
    if (member.standing === 'stranger') this.#strangers--
    this.#idle.delete(member)
    member.standing = 'in-use'
  }

  #expel(member: Member): void {
    const { webSocket, gate, standing } = member
    this.#forget(member)
    if (standing === 'idle') gate.close(closeCode.idle, 'connection-idle')
    else gate.close(closeCode.authenticationTimeout, 'authentication-timeout')
    // who does not answer the close does not keep the socket
    member.cancelDeadline = this.#clock.after(2_000, () => webSocket.terminate())
  }

  remove(webSocket: ServedSocket): void {
    const member = this.#members.get(webSocket)
    if (!member) return
    this.#forget(member)
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
