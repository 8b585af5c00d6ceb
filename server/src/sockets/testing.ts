import { parseConfig } from '../config.ts'
import type { Memory } from '../documents/memory.ts'
import { createLog } from '../log.ts'
import { type RunningServer, startServer } from '../server.ts'
import type { Room } from './outgoing-total.ts'
import type { Transport } from './transport.ts'

/** As much room as anybody wants. */
export const endless: Room = { grow() {}, leave() {} }

/** A socket that is open, takes everything and has room for all of it, but for what a test wants otherwise. */
export function openTransport(otherwise: Partial<Transport> = {}): Transport {
  const transport: Transport = {
    isOpen: true,
    hears: true,
    room: () => endless,
    whenRoom: async () => endless,
    send() {},
    close() {},
    setPaused() {},
    limitMessages() {},
  }
  // as they are defined: some are read anew each time
  return Object.defineProperties(transport, Object.getOwnPropertyDescriptors(otherwise))
}

/** A server in the test's own process. */
export class LocalServer {
  readonly #lines: string[] = []
  #url = ''
  #running: RunningServer | null = null

  static async start(databaseUrl: string, env: Record<string, string>, memory?: Memory): Promise<LocalServer> {
    const server = new LocalServer()
    const log = createLog('info', { write: (line) => server.#lines.push(line) })
    const running = await startServer(parseConfig([], { DATABASE_URL: databaseUrl, PORT: '0', ...env }), {
      log,
      ...(memory ? { memory } : {}),
    })
    server.#url = running.url.replace('http', 'ws')
    server.#running = running
    return server
  }

  /** Where Hocuspocus providers and Tidemark clients connect. */
  get sync(): string {
    return `${this.#url}/sync`
  }

  /** Where y-websocket clients connect. */
  get yWebsocket(): string {
    return `${this.#url}/y-websocket`
  }

  get http(): string {
    return this.#url.replace('ws', 'http')
  }

  get revocations(): RunningServer['revocations'] {
    if (!this.#running) throw new Error('the server does not run')
    return this.#running.revocations
  }

  get log(): Record<string, unknown>[] {
    return this.#lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.stop()
  }
}
