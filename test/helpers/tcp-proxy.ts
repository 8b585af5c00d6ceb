import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'
import { freePort } from './free-port.ts'

/** What the network between client and server does at the moment. */
export type Weather = 'clear' | 'cut' | 'blackhole' | 'websockets-cut'

/** One direction of a connection: bytes arrive in order, each not before its time. */
class Pipe {
  readonly #to: Socket
  readonly #late: { chunk: Buffer; at: number }[] = []

  constructor(to: Socket) {
    this.#to = to
  }

  carry(chunk: Buffer, delay: number): void {
    if (delay === 0 && this.#late.length === 0) {
      this.#to.write(chunk)
      return
    }
    this.#late.push({ chunk, at: performance.now() + delay })
    if (this.#late.length === 1) this.#wait()
  }

  swallow(): void {
    this.#late.length = 0
  }

  #wait(): void {
    const first = this.#late[0]
    if (!first) return
    setTimeout(() => {
      if (this.#late[0] !== first) return
      this.#late.shift()
      if (!this.#to.destroyed) this.#to.write(first.chunk)
      this.#wait()
    }, first.at - performance.now())
  }
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  readonly websocket: boolean
  readonly up: Pipe
  readonly down: Pipe
  swallowed: boolean
}

/**
 * The network between a client and the server, in the test's hand. `cut` closes connections and refuses new ones,
 * `blackhole` swallows every byte while connections stay open (a lost Wi-Fi), `websockets-cut` lets pages load only.
 * A connection that was in a black hole stays there: TCP never goes on with bytes missing in the middle.
 */
export class TcpProxy implements AsyncDisposable {
  readonly port: number
  readonly #target: number
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #weather: Weather = 'clear'
  #delay = 0

  private constructor(port: number, target: number, server: Server) {
    this.port = port
    this.#target = target
    this.#server = server
  }

  /** @param port its own, where it has to be known before; default: a free one */
  static async to(target: number, port?: number): Promise<TcpProxy> {
    port ??= await freePort()
    const server = createServer()
    const proxy = new TcpProxy(port, target, server)
    server.on('connection', (socket) => proxy.#accept(socket))
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return proxy
  }

  get http(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get sync(): string {
    return `ws://127.0.0.1:${this.port}/sync`
  }

  /** Settings with which the server answers under the proxy's address too. */
  get allowances(): Record<string, string> {
    return { TIDEMARK_ALLOWED_HOSTS: `127.0.0.1:${this.port}`, TIDEMARK_ALLOWED_ORIGINS: this.http }
  }

  /** How many connections go through at the moment. */
  get connections(): number {
    return this.#pairs.size
  }

  become(weather: Weather): void {
    this.#weather = weather
    for (const pair of this.#pairs) {
      const { client, server, websocket } = pair
      if (weather === 'blackhole') {
        pair.swallowed = true
        pair.up.swallow()
        pair.down.swallow()
      }
      if (weather !== 'cut' && !(weather === 'websockets-cut' && websocket)) continue
      client.destroy()
      server.destroy()
    }
  }

  /** Every byte arrives this many ms later, in both directions. */
  delay(ms: number): void {
    this.#delay = ms
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.become('cut')
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    if (this.#weather === 'cut') return void client.destroy()
    client.once('data', (first) => {
      const websocket = /^upgrade: *websocket/im.test(first.toString('latin1'))
      if (this.#weather === 'cut' || (this.#weather === 'websockets-cut' && websocket)) return void client.destroy()
      const server = tcpConnect(this.#target, '127.0.0.1')
      const swallowed = this.#weather === 'blackhole'
      const pair: Pair = { client, server, websocket, up: new Pipe(server), down: new Pipe(client), swallowed }
      this.#pairs.add(pair)
      const end = () => {
        this.#pairs.delete(pair)
        client.destroy()
        server.destroy()
      }
      for (const socket of [client, server]) socket.setNoDelay(true).on('error', end).on('close', end)
      const carry = (pipe: Pipe, chunk: Buffer) => {
        if (!pair.swallowed) pipe.carry(chunk, this.#delay)
      }
      client.on('data', (chunk) => carry(pair.up, chunk))
      server.on('data', (chunk) => carry(pair.down, chunk))
      carry(pair.up, first)
    })
    client.on('error', () => client.destroy())
  }
}
