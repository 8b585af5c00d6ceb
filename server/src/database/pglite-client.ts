import { Worker } from 'node:worker_threads'
import type { Answer, Question } from './pglite-thread.ts'

export interface Rows<Row> {
  readonly rows: Row[]
  readonly rowCount: number
}

interface Asked {
  readonly resolve: (rows: Rows<unknown>) => void
  readonly reject: (error: Error) => void
}

/**
 * The embedded database, in a thread of its own: it computes while it answers, a large snapshot for half a second, and
 * nobody else would be served meanwhile.
 */
export class PgliteClient {
  readonly #worker: Worker
  readonly #asked = new Map<number, Asked>()
  #last = 0
  /** Why it does not answer any more. */
  #ended: Error | null = null

  private constructor(folder: string) {
    this.#worker = new Worker(new URL('./pglite-thread.ts', import.meta.url), { workerData: folder })
    this.#worker.on('message', (answer: Answer) => this.#answered(answer))
    this.#worker.on('error', (cause) => this.#end(new Error('the thread of the database failed', { cause })))
    this.#worker.on('exit', () => this.#end(new Error('the thread of the database has ended: start the server again')))
  }

  /** @throws what PGlite says when it cannot open the folder */
  static async open(folder: string): Promise<PgliteClient> {
    const client = new PgliteClient(folder)
    try {
      await new Promise((resolve, reject) => client.#asked.set(0, { resolve, reject }))
    } catch (error) {
      await client.abandon()
      throw error
    }
    return client
  }

  /** Why nothing can be asked any more; null while all is well. */
  get ended(): Error | null {
    return this.#ended
  }

  query<Row>(text: string, values: readonly unknown[]): Promise<Rows<Row>> {
    return this.#ask({ text, values }) as Promise<Rows<Row>>
  }

  async close(): Promise<void> {
    if (!this.#ended) await this.#ask(null)
    await this.abandon()
  }

  /** Closes nothing: what is on the disk stays as it is. */
  async abandon(): Promise<void> {
    await this.#worker.terminate()
  }

  #ask(statement: Question['statement']): Promise<Rows<unknown>> {
    if (this.#ended) return Promise.reject(this.#ended)
    const id = ++this.#last
    const buffers: ArrayBuffer[] = []
    const portable = statement && { ...statement, values: statement.values.map((value) => own(value, buffers)) }
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.#worker.postMessage({ id, statement: portable } satisfies Question, buffers)
    })
  }

  #answered({ id, outcome }: Answer): void {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    if (outcome.kind === 'rows') asked?.resolve(outcome)
    else asked?.reject(Object.assign(new Error(), outcome.fields))
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#asked.values()) reject(this.#ended)
    this.#asked.clear()
  }
}

/** Bytes are copied: what they are a view into would be sent as a whole. */
function own(value: unknown, buffers: ArrayBuffer[]): unknown {
  if (Array.isArray(value)) return value.map((member) => own(member, buffers))
  if (!(value instanceof Uint8Array)) return value
  const bytes = new Uint8Array(value)
  buffers.push(bytes.buffer)
  return bytes
}
