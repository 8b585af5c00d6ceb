import type { Network, NetworkEvents } from '../link/network.ts'
import type { Chance } from './chance.ts'
import type { MemoryServer } from './memory-server/memory-server.ts'
import { SimulatedSocket } from './socket.ts'
import type { Thread } from './thread.ts'
import type { Timeline } from './timeline.ts'

/** How long something takes, in ms: always the same, or anything between the two. */
export type Duration = number | { readonly least: number; readonly most: number }

/** Whole ms. */
export function durationOf(duration: Duration, chance: Chance): number {
  return typeof duration === 'number' ? duration : duration.least + chance.below(duration.most - duration.least + 1)
}

/** A server notices after about this time that nobody answers its pings, in ms. */
const serverNotices = 75_000

/** A device's way to the server. */
export class DeviceNetwork {
  latency: Duration
  readonly #timeline: Timeline
  readonly #chance: Chance
  readonly #server: MemoryServer
  readonly #sockets = new Set<SimulatedSocket>()
  readonly #listeners = new Set<{ readonly thread: Thread; readonly on: NetworkEvents }>()
  #state: 'clear' | 'offline' | 'partitioned' = 'clear'
  #partitions = 0

  constructor(timeline: Timeline, chance: Chance, server: MemoryServer, latency: Duration) {
    this.#timeline = timeline
    this.#chance = chance
    this.#server = server
    this.latency = latency
  }

  get state(): 'clear' | 'offline' | 'partitioned' {
    return this.#state
  }

  /** How many WebSockets the device's tabs have open or are opening. */
  get socketCount(): number {
    return [...this.#sockets].filter(({ readyState }) => readyState < 2).length
  }

  goOffline(): void {
    if (this.#state === 'offline') return
    this.#state = 'offline'
    for (const { thread, on } of [...this.#listeners]) thread.run(() => on.offline())
    for (const socket of [...this.#sockets]) socket.lineDied(serverNotices)
  }

  goOnline(): void {
    if (this.#state !== 'offline') return
    this.#state = 'clear'
    for (const { thread, on } of [...this.#listeners]) thread.run(() => on.online())
  }

  partition(): void {
    if (this.#state !== 'clear') return
    this.#state = 'partitioned'
    const partition = ++this.#partitions
    this.#timeline.after(serverNotices, () => {
      if (this.#state !== 'partitioned' || partition !== this.#partitions) return
      for (const socket of [...this.#sockets]) socket.serverGaveUp()
    })
  }

  heal(): void {
    if (this.#state !== 'partitioned') return
    this.#state = 'clear'
    for (const socket of [...this.#sockets]) socket.lineHealed()
  }

  cutConnections(): void {
    for (const socket of [...this.#sockets]) socket.lineDied(0)
  }

  /** How many sockets and listeners a tab has. */
  countOf(thread: Thread): { readonly sockets: number; readonly listeners: number } {
    const sockets = [...this.#sockets].filter((socket) => socket.thread === thread && socket.readyState < 2).length
    return { sockets, listeners: [...this.#listeners].filter((listener) => listener.thread === thread).length }
  }

  /** A tab goes on after it was frozen or hidden, or the device after it slept. */
  woke(thread: Thread): void {
    for (const listener of [...this.#listeners]) if (listener.thread === thread) thread.run(() => listener.on.woke())
  }

  /** What a tab on this device gives to its client. */
  open(thread: Thread): (url: string) => WebSocket {
    return () => {
      const socket: SimulatedSocket = new SimulatedSocket({
        thread,
        timeline: this.#timeline,
        latency: () => durationOf(this.latency, this.#chance),
        line: () => this.#state,
        accept: (end) => this.#server.accept(end),
        onOver: () => this.#sockets.delete(socket),
      })
      this.#sockets.add(socket)
      return socket as unknown as WebSocket
    }
  }

  /** The sockets of a tab that is gone: the browser closes them. */
  tabEnded(thread: Thread): void {
    for (const socket of [...this.#sockets]) if (socket.thread === thread) socket.tabEnded()
    for (const listener of [...this.#listeners]) if (listener.thread === thread) this.#listeners.delete(listener)
  }

  /** What the device says of itself to a tab. */
  hint(thread: Thread): Network {
    const isOffline = () => this.#state === 'offline'
    return {
      get mayBeOnline() {
        return !isOffline()
      },
      listen: (on) => {
        const listener = { thread, on }
        this.#listeners.add(listener)
        return () => this.#listeners.delete(listener)
      },
    }
  }
}
