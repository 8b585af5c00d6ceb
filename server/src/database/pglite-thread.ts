/** The thread of the embedded database. What it is asked is in {@link Question}; it answers each in its order. */
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite, types } from '@electric-sql/pglite'

/** A statement, or null: close. */
export interface Question {
  readonly id: number
  readonly statement: { readonly text: string; readonly values: readonly unknown[] } | null
}

export interface Answer {
  readonly id: number
  readonly outcome:
    | { readonly kind: 'rows'; readonly rows: unknown[]; readonly rowCount: number }
    /** Of an error only its message would come over: what Postgres said stands in fields of their own. */
    | { readonly kind: 'failure'; readonly fields: Readonly<Record<string, unknown>> }
}

/** The buffers of the answer that is being made: they are handed over, not copied. */
let buffers: ArrayBuffer[] = []

// PGlite turns bytes into text and back one by one, at 150 ms for a MiB. Node reads them in 5, and as parameters they may
// go as they are.
const parsers = {
  [types.BYTEA](text: string) {
    const bytes = new Uint8Array(Buffer.from(text.slice(2), 'hex'))
    buffers.push(bytes.buffer)
    return bytes
  },
}
const serializers = {
  [types.BYTEA](bytes: unknown) {
    if (!(bytes instanceof Uint8Array)) throw new TypeError('a bytea is a Uint8Array')
    return bytes as unknown as string
  },
}

const port = parentPort
if (!port) throw new Error('this is a thread of the server')

function answer(id: number, outcome: Answer['outcome']): void {
  port?.postMessage({ id, outcome } satisfies Answer, buffers)
  buffers = []
}

function failure(error: unknown): Answer['outcome'] {
  buffers = []
  if (!(error instanceof Error)) return { kind: 'failure', fields: { message: String(error) } }
  const simple = Object.entries(error).filter(([, value]) => value === null || typeof value !== 'object')
  const { name, message, stack } = error
  return { kind: 'failure', fields: { ...Object.fromEntries(simple), name, message, stack } }
}

const folder: string = workerData
const opened = PGlite.create(folder, { parsers, serializers })
opened.then(
  () => answer(0, { kind: 'rows', rows: [], rowCount: 0 }),
  (error) => answer(0, failure(error)),
)

port.on('message', async ({ id, statement }: Question) => {
  try {
    const lite = await opened
    if (!statement) {
      await lite.close()
      answer(id, { kind: 'rows', rows: [], rowCount: 0 })
      return
    }
    const { rows, affectedRows } = await lite.query(statement.text, [...statement.values])
    answer(id, { kind: 'rows', rows, rowCount: affectedRows ?? rows.length })
  } catch (error) {
    answer(id, failure(error))
  }
})
