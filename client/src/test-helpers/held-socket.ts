import { type FrameKind, isPing, kindOf, pongFrame } from '../link/frames.ts'

/**
 * A line to the server that the test holds in its hand: frames from the server can be kept back, and the line can be
 * cut at any moment. What was sent is kept for looking at.
 */
export class Line {
  readonly urls: string[] = []
  readonly sent: Uint8Array[] = []
  /** Frames from the server that are kept back for now. */
  holds: (kind: FrameKind) => boolean = () => false
  /** Refuses new connections. */
  isDown = false
  /** Answers pings as a Tidemark server does; stock Hocuspocus takes them for a broken frame. */
  answersPings = false
  #held: (() => void)[] = []
  #sockets = new Set<WebSocket>()

  readonly createSocket = (url: string): WebSocket => {
    this.urls.push(url)
    const socket = new WebSocket(this.isDown ? 'ws://127.0.0.1:1/' : url)
    this.#sockets.add(socket)
    const { sent } = this
    const send = socket.send.bind(socket)
    socket.send = (frame) => {
      sent.push(frame as Uint8Array)
      if (this.answersPings && isPing(frame as Uint8Array)) {
        queueMicrotask(() => socket.dispatchEvent(new MessageEvent('message', { data: pongFrame.slice().buffer })))
      } else send(frame)
    }
    const add = socket.addEventListener.bind(socket)
    socket.addEventListener = ((name: string, listener: (event: Event) => void) => {
      if (name !== 'message') return add(name as 'open', listener)
      add('message', (event) => {
        const deliver = () => {
          if (this.#sockets.has(socket)) listener(event)
        }
        // order is kept: behind a held frame everything waits
        if (this.#held.length > 0 || this.holds(kindOf(new Uint8Array(event.data)))) this.#held.push(deliver)
        else deliver()
      })
    }) as WebSocket['addEventListener']
    return socket
  }

  sentKinds(): string[] {
    return this.sent.map((frame) => kindOf(frame).kind)
  }

  get heldCount(): number {
    return this.#held.length
  }

  release(): void {
    this.holds = () => false
    const held = this.#held
    this.#held = []
    for (const deliver of held) deliver()
  }

  /** The line breaks: what is under way in either direction is lost. */
  cut(): void {
    this.#held = []
    const sockets = [...this.#sockets]
    this.#sockets.clear()
    for (const socket of sockets) socket.close()
  }
}
