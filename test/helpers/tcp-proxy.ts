import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'
import { freePort } from './free-port.ts'

/** What the network between client and server does at the moment. */
export type Weather = 'clear' | 'cut' | 'blackhole' | 'websockets-cut'

/**
 * The network between a client and the server, in the test's hand. `cut` closes connections and refuses new ones,
 * `blackhole` swallows every byte while connections stay open (a lost Wi-Fi), `websockets-cut` lets pages load only.
 */
export class TcpProxy implements AsyncDisposable {
  readonly port: number
  readonly #target: number
  readonly #server: Server
  readonly #pairs = new Set<{ client: Socket; server: Socket; websocket: boolean }>()
  #weather: Weather = 'clear'
  #delay = 0

  private constructor(port: number, target: number, server: Server) {
    this.port = port
    this.#target = target
    this.#server = server
  }

  static async to(target: number): Promise<TcpProxy> {
    const port = await freePort()
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
    for (const { client, server, websocket } of this.#pairs) {
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
      const pair = { client, server, websocket }
      this.#pairs.add(pair)
      const end = () => {
        this.#pairs.delete(pair)
        client.destroy()
        server.destroy()
      }
      for (const socket of [client, server]) socket.setNoDelay(true).on('error', end).on('close', end)
      this.#pass(client, server)
      this.#pass(server, client)
      this.#forward(first, server)
    })
    client.on('error', () => client.destroy())
  }

  #pass(from: Socket, to: Socket): void {
    from.on('data', (chunk) => this.#forward(chunk, to))
  }

  #forward(chunk: Buffer, to: Socket): void {
    if (this.#weather === 'blackhole') return
    if (this.#delay === 0) to.write(chunk)
    else setTimeout(() => to.destroyed || to.write(chunk), this.#delay)
  }
}
