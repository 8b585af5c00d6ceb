import type { Socket } from 'node:net'
import type pg from 'pg'
import type { Lease, Statement } from './database.ts'

/** How long the database lets a statement of ours wait for a lock, and work. */
export interface TimeLimits {
  readonly lockMs: number
  readonly statementMs: number
}

/** Whom a connection leads to: one process of Postgres, or a pooler that shares its own among many connections. */
export type Peer = { kind: 'postgres'; backend: number } | { kind: 'pooler' }

/** A transaction of ours that lost its client does not hold locks for longer. */
const idleInTransactionMs = 5_000

const limitsOf = ({ lockMs, statementMs }: TimeLimits): [setting: string, value: string][] => [
  ['lock_timeout', `${lockMs}`],
  ['statement_timeout', `${statementMs}`],
  ['idle_in_transaction_session_timeout', `${idleInTransactionMs}`],
]

/** What makes Postgres notice that our machine is gone, so that it does not keep a session for two hours. */
const aliveness: [setting: string, value: string][] = [
  ['tcp_keepalives_idle', '10'],
  ['tcp_keepalives_interval', '5'],
  ['tcp_keepalives_count', '3'],
  ['tcp_user_timeout', '20000'],
]

/**
 * Finds out whom a new connection leads to. Postgres tells each client the number of its process in order to be cancelled;
 * a pooler makes up one of its own, and what is set for a session there would be set for whoever comes next. So limits
 * are set for the session only where it is ours alone.
 */
export async function greet(client: pg.PoolClient, limits: TimeLimits): Promise<Peer> {
  const told = (client as unknown as { processID: number | null }).processID ?? 0
  const settings = [...limitsOf(limits), ...aliveness].map(
    ([name, value]) => `set_config('${name}', '${value}', false)`,
  )
  const { rows } = await client.query<{ backend: number }>(
    `select pg_backend_pid() as backend,
       case when pg_backend_pid() = ${Number(told)} then concat(${settings.join(', ')}) end as settings`,
  )
  const backend = rows[0]?.backend ?? 0
  return backend === told ? { kind: 'postgres', backend } : { kind: 'pooler' }
}

/** A connection of the pool, held for one statement or one transaction. */
export class PostgresLease implements Lease {
  readonly #client: pg.PoolClient
  readonly #limits: TimeLimits
  readonly #isPooled: () => boolean
  readonly #released: (error: Error | undefined) => void
  #backend: number | null
  #broken: Error | undefined

  constructor(
    client: pg.PoolClient,
    options: { peer: Peer; limits: TimeLimits; isPooled: () => boolean; released: (error: Error | undefined) => void },
  ) {
    this.#client = client
    this.#limits = options.limits
    this.#isPooled = options.isPooled
    this.#released = options.released
    this.#backend = options.peer.kind === 'postgres' ? options.peer.backend : null
    client.on('error', this.#onError)
  }

  /** The pool listens to idle connections only; an error that nobody hears ends the process. */
  readonly #onError = (error: Error): void => {
    this.#broken ??= error
  }

  get backend(): number | null {
    return this.#backend
  }

  /** Why the connection cannot be used any more. */
  get broken(): Error | undefined {
    return this.#broken
  }

  get received(): number {
    return streamOf(this.#client).bytesRead
  }

  async query<Row>(text: string, values: readonly unknown[], name?: string) {
    return this.#isPooled() && this.#client.getTransactionStatus() !== 'T' && !isTransactionControl(text)
      ? await this.#inTransaction<Row>(text, values)
      : await this.#send<Row>({
          text,
          values: [...values],
          ...(name === undefined || this.#isPooled() ? {} : { name }),
        })
  }

  run<Row>({ name, text }: Statement, values: readonly unknown[]) {
    return this.query<Row>(text, values, name)
  }

  /** Gives the connection up, in the middle of whatever it does. */
  cut(error: Error): void {
    this.#broken ??= error
    streamOf(this.#client).destroy()
  }

  release(): void {
    this.#client.off('error', this.#onError)
    const unfinished = this.#client.getTransactionStatus() !== 'I'
    this.#released(this.#broken ?? (unfinished ? new Error('a transaction was not ended') : undefined))
  }

  /** Behind a pooler limits hold for a transaction only, and each transaction may meet another process. */
  async #inTransaction<Row>(text: string, values: readonly unknown[]) {
    const settings = limitsOf(this.#limits).map(([name, value]) => `set local ${name} = ${value}`)
    this.#backend = null
    const begun: unknown = await this.#client.query(
      ['begin', ...settings, 'select pg_backend_pid() as backend'].join('; '),
    )
    this.#backend = (begun as pg.QueryResult<{ backend: number }>[]).at(-1)?.rows[0]?.backend ?? null
    try {
      const result = await this.#send<Row>({ text, values: [...values] })
      await this.#client.query('commit')
      return result
    } catch (error) {
      await this.#client.query('rollback').catch((cause: Error) => {
        this.#broken ??= cause
      })
      throw error
    }
  }

  async #send<Row>(config: pg.QueryConfig): Promise<{ rows: Row[]; rowCount: number | null }> {
    const { rows, rowCount } = await this.#client.query(config)
    return { rows: rows as Row[], rowCount }
  }
}

/** The driver keeps its socket to itself; it is all that tells whether anything comes, and that ends a dead connection. */
export function streamOf(client: pg.PoolClient): Socket {
  return (client.connection as unknown as { stream: Socket }).stream
}

const isTransactionControl = (text: string): boolean => /^\s*(begin|start transaction|commit|rollback)\b/i.test(text)
