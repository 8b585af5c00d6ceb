import type { ServerEnd } from './memory-server/server-socket.ts'
import { Pipe } from './pipe.ts'
import type { Thread } from './thread.ts'
import type { Timeline } from './timeline.ts'

export interface SocketMeans {
  readonly timeline: Timeline
  readonly thread: Thread
  readonly latency: () => number
  readonly line: () => 'clear' | 'offline' | 'partitioned'
  /** Null when nobody listens. */
  readonly accept: (end: ServerEnd) => ServerSide | null
  readonly onOver: () => void
}

interface ServerSide {
  receive(frame: Uint8Array): void
  closed(): void
}

type Listener = (event: object) => void

const connecting = 0
const open = 1
const closing = 2
const closed = 3

/** The part of `WebSocket` that a client uses, on a simulated line. */
export class SimulatedSocket {
  binaryType: BinaryType = 'blob'
  readyState: number = connecting
  readonly thread: Thread
  readonly #means: SocketMeans
  readonly #up: Pipe
  readonly #down: Pipe
  readonly #listeners = new Map<string, Set<Listener>>()
  #server: ServerSide | null = null
  #isOver = false

  constructor(means: SocketMeans) {
    this.thread = means.thread
    this.#means = means
    const isHeld = () => means.line() === 'partitioned'
    this.#up = new Pipe(means.timeline, means.latency, isHeld)
    this.#down = new Pipe(means.timeline, means.latency, isHeld)
    if (means.line() === 'offline') this.#down.carry(() => this.#over(1006, ''))
    else this.#up.carry(() => this.#reachServer())
  }

  addEventListener(name: string, listener: Listener): void {
    let listeners = this.#listeners.get(name)
    if (!listeners) this.#listeners.set(name, (listeners = new Set()))
    listeners.add(listener)
  }

  removeEventListener(name: string, listener: Listener): void {
    this.#listeners.get(name)?.delete(listener)
  }

  send(data: Uint8Array | ArrayBuffer): void {
    if (this.readyState === connecting) throw new DOMException('the socket is not open yet', 'InvalidStateError')
    if (this.readyState !== open || this.thread.state === 'gone') return
    const frame = new Uint8Array(data).slice()
    this.#up.carry(() => this.#server?.receive(frame))
  }

  close(): void {
    if (this.readyState >= closing || this.thread.state === 'gone') return
    this.readyState = closing
    this.#up.carry(() => this.#leaveServer())
    // the browser does not wait for a far end that is silent
    this.#means.timeline.effectAt(this.#means.timeline.time + 2 * this.#means.latency(), () => this.#over(1005, ''))
  }

  #reachServer(): void {
    const server = this.#means.accept({
      send: (frame) => {
        // a copy, as after a way through a wire
        const data = frame.slice().buffer
        this.#down.carry(() => this.#tellTab('message', { data }))
      },
      close: (code, reason) => {
        this.#server = null
        this.#up.cut()
        this.#down.carry(() => this.#over(code, reason))
      },
    })
    if (!server) {
      this.#down.carry(() => this.#over(1006, ''))
      return
    }
    if (this.readyState >= closing) {
      server.closed()
      return
    }
    this.#server = server
    this.#down.carry(() => this.#tellTab('open', {}))
  }

  #leaveServer(): void {
    this.#server?.closed()
    this.#server = null
    if (this.#isOver) this.#means.onOver()
  }

  #over(code: number, reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#down.cut()
    if (!this.#server) this.#means.onOver()
    this.#tellTab('close', { code, reason, wasClean: code !== 1006 })
  }

  /** The state changes together with its event, so a frozen tab finds everything in order when it goes on. */
  #tellTab(type: 'open' | 'message' | 'close', content: object): void {
    this.thread.run(() => {
      if (type === 'close') this.readyState = closed
      else if (this.readyState !== (type === 'open' ? connecting : open)) return
      else this.readyState = open
      for (const listener of [...(this.#listeners.get(type) ?? [])]) listener({ type, ...content })
    })
  }

  /** The line is dead: what was on it is lost. The browser knows at once, the server after a while. */
  lineDied(serverNoticesAfter: number): void {
    this.#up.cut()
    this.#means.timeline.after(serverNoticesAfter, () => this.#leaveServer())
    this.#over(1006, '')
  }

  lineHealed(): void {
    this.#up.release()
    this.#down.release()
  }

  /** The server has heard nothing for too long. */
  serverGaveUp(): void {
    if (!this.#server) return
    this.#up.cut()
    this.#leaveServer()
    this.#down.carry(() => this.#over(1006, ''))
  }

  /** The tab is gone; what it had sent still arrives. */
  tabEnded(): void {
    this.#up.carry(() => this.#leaveServer())
    this.#over(1006, '')
  }
}
