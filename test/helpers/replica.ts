import { createClient, type TidemarkClient, type TidemarkDocument } from '@tidemark/client'
import * as Y from 'yjs'
import type { Random } from './random.ts'
import { TcpProxy } from './tcp-proxy.ts'
import { until } from './until.ts'

/**
 * A person with the real client, on a network of their own, whose promises are checked at every event:
 * `drained` comes once for each emptying, never while something is pending, and never twice.
 */
export class Replica implements AsyncDisposable {
  readonly name: string
  readonly network: TcpProxy
  /** What broke a promise, in words. */
  readonly broken: string[] = []
  /** For each Yjs client this person ever was: how many of its edits were reported saved. */
  readonly saved = new Map<number, number>()
  /** The line dies in the very moment in which everything is said to be saved. */
  cutWhenDrained = false
  readonly #documentName: string
  readonly #selves = new Set<number>()
  #client: TidemarkClient
  #document: TidemarkDocument
  #isEmpty = true
  readonly #log: string[] = []

  private constructor(name: string, documentName: string, network: TcpProxy) {
    this.name = name
    this.#documentName = documentName
    this.network = network
    this.#client = this.#newClient()
    this.#document = this.#open()
  }

  static async start(name: string, documentName: string, serverPort: number): Promise<Replica> {
    const replica = new Replica(name, documentName, await TcpProxy.to(serverPort))
    await replica.#document.whenLoaded
    return replica
  }

  get doc(): Y.Doc {
    return this.#document.doc
  }

  get text(): Y.Text {
    return this.doc.getText('text')
  }

  get content(): string {
    // the order of a map's keys is nobody's promise
    const map = Object.entries(this.doc.getMap('map').toJSON()).sort(([one], [other]) => (one < other ? -1 : 1))
    return JSON.stringify([this.text.toString(), map, this.doc.getArray('list').toJSON()])
  }

  get pendingCount(): number {
    return this.#document.pendingCount
  }

  edit(random: Random): void {
    const pending = this.pendingCount
    const kind = random.next()
    const { length } = this.text
    if (kind < 0.5 || length === 0) this.text.insert(random.int(0, length), random.pick(['a', 'bc', 'déf', '\n']))
    else if (kind < 0.65) this.text.delete(random.int(0, length - 1), 1)
    else if (kind < 0.8) this.doc.getMap('map').set(random.pick(['x', 'y', 'z']), `${this.name}${random.int(0, 99)}`)
    else if (kind < 0.9) this.doc.getArray('list').push([`${this.name}${random.int(0, 99)}`])
    else this.#manyEdits(random)
    // in the same tick (R2.1)
    if (this.pendingCount <= pending) this.broken.push('an edit was made, and pending did not say so at once')
  }

  /** Leaves and comes back to the same device, whatever is pending; no ack arrives in between. */
  async reload(): Promise<void> {
    this.network.become('cut')
    await until('the line is down', () => this.#document.connectionStatus !== 'connected')
    const pending = this.pendingCount
    await this.#client.close()
    this.#client = this.#newClient()
    this.#document = this.#open()
    await this.#document.whenLoaded
    this.network.become('clear')
    if (pending > 0 && this.pendingCount === 0) this.broken.push(`${pending} pending edits were forgotten by a reload`)
  }

  async settled(): Promise<void> {
    await until(
      `${this.name} has everything saved`,
      () => {
        const { status, synced } = this.#document
        if (synced && status.kind === 'saved') return true
        throw new Error(`${JSON.stringify(status)}, ${this.network.connections} connections; ${this.#log.slice(-5)}`)
      },
      { timeout: 20_000 },
    )
  }

  /** Compares what this person was told with what somebody finds on the server who never met them. */
  check(onServer: Y.Doc): void {
    for (const [client, clock] of this.saved) {
      const missing = clock - Y.getState(onServer.store, client)
      if (missing > 0) this.broken.push(`drained was early: ${missing} edits were not on the server`)
    }
  }

  /** Everything of the document's history that this person sent elsewhere reaches the server a second time. */
  get everything(): Uint8Array {
    return Y.encodeStateAsUpdate(this.doc)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close()
    await this.network[Symbol.asyncDispose]()
  }

  #manyEdits(random: Random): void {
    this.doc.transact(() => {
      for (let count = random.int(2, 20); count > 0; count -= 1) this.text.insert(this.text.length, '-')
    })
  }

  #newClient(): TidemarkClient {
    return createClient({
      url: this.network.sync,
      namespace: `simulation-${this.network.port}`,
      retry: { kind: 'steps', delays: [20, 50, 150], jitter: true },
      heartbeat: { interval: 300, misses: 2 },
      log: ({ code, cause, attempt }) => this.#log.push(`${code} (${attempt}) ${cause}`),
    })
  }

  #open(): TidemarkDocument {
    const document = this.#client.open(this.#documentName)
    this.#selves.add(document.doc.clientID)
    document.on('pending', ({ pendingCount }) => {
      this.#isEmpty = false
      if (pendingCount < 1) this.broken.push('pending with nothing pending')
    })
    document.on('drained', () => this.#drained(document))
    return document
  }

  #drained(document: TidemarkDocument): void {
    if (this.cutWhenDrained) {
      this.cutWhenDrained = false
      this.network.become('cut')
    }
    if (this.#isEmpty) this.broken.push('drained although nothing had been pending since the last time')
    if (document.pendingCount !== 0) this.broken.push(`drained with ${document.pendingCount} pending`)
    this.#isEmpty = true
    for (const self of this.#selves) this.saved.set(self, Y.getState(document.doc.store, self))
  }

  /** Whether the last word about pending was that it is over. */
  get saysEmpty(): boolean {
    return this.#isEmpty
  }
}
