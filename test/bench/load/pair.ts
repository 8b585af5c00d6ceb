import { performance } from 'node:perf_hooks'
import * as Y from 'yjs'
import { openReplica, type Protocol, type Replica } from './replica.ts'
import { textName } from './text.ts'

/**
 * A writer and a reader of one document. Each edit is one letter by a fresh Yjs client, so its Yjs clock is the edit's
 * number: whoever's state says clock n has the edits 0 … n-1, however a server merges updates on their way.
 */
export class Pair {
  readonly writer: Replica
  readonly reader: Replica | null
  /** When each edit was made, by its number. */
  readonly #madeAt: number[] = []
  #acked = 0
  #seen = 0
  #position: number | null = null
  /** Latencies in ms, since the last {@link reset}. */
  peer: number[] = []
  ack: number[] = []

  constructor(protocol: Protocol, url: string, name: string, withReader: boolean) {
    this.writer = openReplica(protocol, url, name)
    this.reader = withReader ? openReplica(protocol, url, name) : null
  }

  /** Resolves when both are synced; then the clocks are watched. */
  async connect(): Promise<void> {
    await Promise.all([this.writer.whenSynced, this.reader?.whenSynced])
  }

  /** Starts to count; what was written before (a seed) is not counted. */
  watch(): void {
    this.writer.onAck(() => {
      const madeAt = this.#madeAt[this.#acked++]
      if (madeAt !== undefined) this.ack.push(performance.now() - madeAt)
    })
    const { doc } = this.reader ?? {}
    doc?.on('update', () => {
      const clock = Y.getState(doc.store, this.author)
      const now = performance.now()
      for (; this.#seen < clock; this.#seen++) this.peer.push(now - this.#madeAt[this.#seen]!)
    })
  }

  edit(): void {
    const text = this.writer.doc.getText(textName)
    this.#position ??= Math.floor(text.length / 2)
    this.#madeAt.push(performance.now())
    text.insert(this.#position++, 'x')
  }

  get author(): number {
    return this.writer.doc.clientID
  }

  get made(): number {
    return this.#madeAt.length
  }

  /** How many of its edits the server has acknowledged, from the first on without gaps. */
  get acked(): number {
    return this.#acked
  }

  get seen(): number {
    return this.#seen
  }

  reset(): void {
    this.peer = []
    this.ack = []
  }

  close(): void {
    this.writer.close()
    this.reader?.close()
  }
}
