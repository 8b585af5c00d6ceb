import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import { decodeServerMessage, type ServerMessage } from '@tidemark/shared'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { Ledger, type SocketLedger } from './ledger.ts'
import { until } from './until.ts'

export interface WriterOptions {
  url: string
  document: string
  /** A string, or the function that the provider asks each time it needs one. */
  token?: string | (() => Promise<string>)
  name?: string
}

/** Short waits between attempts, so that tests do not wait; everything else as the provider comes. */
export const impatient = { delay: 50, minDelay: 50, maxDelay: 200, factor: 1.5 }

/**
 * A person with an unmodified `HocuspocusProvider`, who writes numbered edits into the array `edits`. What the server
 * acknowledged is read off the wire, from the socket that the provider is given.
 */
export class Writer implements Disposable {
  readonly name: string
  readonly doc = new Y.Doc()
  readonly provider: HocuspocusProvider
  readonly ledger = new Ledger(this.doc.clientID)
  readonly serverMessages: { at: number; message: ServerMessage }[] = []
  readonly denials: string[] = []
  readonly closes: { code: number; reason: string }[] = []
  readonly #socket: HocuspocusProviderWebsocket
  #made = 0

  constructor({
    url,
    document,
    token = 'anybody',
    name = `writer-${Math.random().toString(36).slice(2, 8)}`,
  }: WriterOptions) {
    this.name = name
    this.#socket = new HocuspocusProviderWebsocket({
      url,
      WebSocketPolyfill: recording(() => this.ledger.socket()),
      ...impatient,
    })
    this.provider = new HocuspocusProvider({
      websocketProvider: this.#socket,
      name: document,
      document: this.doc,
      token,
      onStateless: ({ payload }) => {
        const message = decodeServerMessage(payload)
        if (message) this.serverMessages.push({ at: performance.now(), message })
      },
      onAuthenticationFailed: ({ reason }) => this.denials.push(reason),
      onClose: ({ event }) => this.closes.push({ code: event.code, reason: event.reason }),
    })
    this.provider.attach()
  }

  get edits(): Y.Array<string> {
    return this.doc.getArray<string>('edits')
  }

  /** How many edits this writer made. */
  get made(): number {
    return this.#made
  }

  /** One more edit: one element, so that edit n is the one at Yjs clock n. */
  write(): string {
    const edit = `${this.name}#${this.#made}`
    this.#made += 1
    this.edits.push([edit])
    return edit
  }

  /** The edits that the server said are saved. */
  get acknowledged(): string[] {
    return [...this.ledger.acknowledged].sort((a, b) => a - b).map((edit) => `${this.name}#${edit}`)
  }

  get allAcknowledged(): boolean {
    return this.ledger.acknowledged.size === this.#made
  }

  async synced(): Promise<this> {
    await until(`${this.name} is synced`, () => this.provider.synced)
    return this
  }

  async drained(timeout = 10_000): Promise<void> {
    await until(`everything of ${this.name} is acknowledged`, () => this.allAcknowledged, { timeout })
  }

  /** The error codes the server told so far, in order. */
  get told(): string[] {
    return this.serverMessages.flatMap(({ message }) => (message.tidemark === 'error' ? [message.code] : []))
  }

  /** The author leaves and never comes back. */
  [Symbol.dispose](): void {
    this.provider.destroy()
    this.#socket.destroy()
    this.doc.destroy()
  }
}

/** The whole content of `edits` as a newcomer reads it, whose document was empty. */
export async function readEdits(options: WriterOptions): Promise<string[]> {
  using reader = new Writer({ name: 'reader', ...options })
  await reader.synced()
  return reader.edits.toArray()
}

/** The network socket that a provider is given: it notes what goes over the wire and changes nothing. */
export function recording(open: () => SocketLedger) {
  return class RecordingWebSocket extends WebSocket {
    readonly #ledger = open()

    constructor(url: string) {
      super(url)
      // a provider that is destroyed while it connects closes its socket, and nobody else listens any more
      this.on('error', () => {})
      this.on('message', (data: ArrayBuffer) => this.#ledger.received(new Uint8Array(data)))
    }

    override send(data: Uint8Array): void {
      super.send(data)
      // the provider's heartbeat answer has no address
      if (data.length > 1) this.#ledger.sent(data)
    }
  }
}
