import pg from 'pg'
import type { Lease, Runner, Statement } from './database.ts'
import { isPreparedStatementLost, isReadOnly } from './failures.ts'
import { greet, type Peer, PostgresLease, streamOf, type TimeLimits } from './postgres-lease.ts'
import type { Watch } from './watch.ts'

export interface PoolOptions {
  readonly connectionString: string
  readonly connections: number
  readonly limits: TimeLimits
  /** How much later than the database's own limit a statement is given up. */
  readonly graceMs?: number
  /** How long connecting, or waiting for one of the connections, may take. */
  readonly connectMs: number
  /** Unused connections are closed after this; 0 keeps them. */
  readonly idleMs: number
  readonly lifetimeSeconds?: number
  readonly watch: Watch | null
  /** Ends, on the database's side, what did not end by itself. */
  readonly endBackend?: (backend: number | null) => void
  onIdleError(error: Error): void
}

const int8 = 20
const mib = 2 ** 20
/** Without an answer for so long somebody asks whether the database is at work; a second more for each MiB that is sent. */
const patienceMs = 1_000
/** The database's own limits come first. What has no answer this much later never gets one. */
const usualGraceMs = 5_000

/** Connections to Postgres that serve one purpose, so that others cannot starve it. */
export class PostgresConnections implements Runner {
  readonly #options: PoolOptions
  readonly #pool: pg.Pool
  readonly #peers = new WeakMap<pg.PoolClient, Peer>()
  readonly #clients = new Set<pg.PoolClient>()
  readonly #held = new Set<PostgresLease>()
  /** Once prepared statements were lost, nothing here relies on a session any more. */
  #distrust = false

  constructor(options: PoolOptions) {
    this.#options = options
    this.#pool = new pg.Pool({
      connectionString: options.connectionString,
      max: options.connections,
      application_name: 'tidemark',
      connectionTimeoutMillis: options.connectMs,
      idleTimeoutMillis: options.idleMs,
      maxLifetimeSeconds: options.lifetimeSeconds ?? 0,
      // the system's own first probe comes after two hours; Node then probes each second, ten times
      keepAlive: true,
      keepAliveInitialDelayMillis: 2_000,
      onConnect: async (client) => {
        this.#peers.set(client as pg.PoolClient, await this.#greeted(client as pg.PoolClient))
      },
      types: {
        getTypeParser: (oid: number, format?: 'text' | 'binary') =>
          oid === int8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format as 'text'),
      },
    })
    // Without a listener, an idle connection that Postgres closes would end the process.
    this.#pool.on('error', options.onIdleError)
    this.#pool.on('connect', (client) => this.#clients.add(client as pg.PoolClient))
    this.#pool.on('remove', (client) => this.#clients.delete(client as pg.PoolClient))
  }

  async run<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    try {
      return await this.#run<Row>(statement, values)
    } catch (error) {
      if (this.#distrust || !isPreparedStatementLost(error)) throw error
      this.#distrust = true
      return await this.#run<Row>(statement, values)
    }
  }

  async #run<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    const lease = await this.#lease()
    try {
      return (await this.#watched(lease, values, () => lease.run<Row>(statement, values))).rows
    } catch (error) {
      // a session keeps what was set for it when it began, or stays where another server has become the primary
      if (isReadOnly(error)) lease.cut(new Error('the connection only reads', { cause: error }))
      throw error
    } finally {
      lease.release()
    }
  }

  /** A connection for a transaction. */
  async connect(): Promise<Lease> {
    const lease = await this.#lease()
    return {
      query: <Row>(text: string, values: readonly unknown[]) =>
        this.#watched(lease, values, () => lease.query<Row>(text, values)),
      release: () => lease.release(),
    }
  }

  async #watched<Result>(
    lease: PostgresLease,
    values: readonly unknown[],
    send: () => Promise<Result>,
  ): Promise<Result> {
    const { watch, limits, endBackend, graceMs = usualGraceMs } = this.#options
    const patience = patienceMs + (1_000 * bytesOf(values)) / mib
    const endWatch = watch?.begin({
      patienceMs: patience,
      backend: () => lease.backend,
      received: () => lease.received,
      cut: (reason) => lease.cut(new Error(`the connection to the database is dead: ${reason}`)),
    })
    const limit = limits.statementMs + graceMs + patience
    const late = setTimeout(() => {
      endBackend?.(lease.backend)
      lease.cut(new Error(`the database did not answer within ${Math.round(limit)} ms`))
    }, limit)
    try {
      return await send()
    } catch (error) {
      throw lease.broken ?? error
    } finally {
      clearTimeout(late)
      endWatch?.()
    }
  }

  async #lease(): Promise<PostgresLease> {
    const client = await this.#pool.connect()
    const peer = this.#peers.get(client) ?? { kind: 'pooler' }
    const lease: PostgresLease = new PostgresLease(client, {
      peer,
      limits: this.#options.limits,
      isPooled: () => this.#distrust || peer.kind === 'pooler',
      released: (error) => {
        this.#held.delete(lease)
        client.release(error)
      },
    })
    this.#held.add(lease)
    return lease
  }

  /** Ends all connections; those that do not part in time (a dead one never does) are cut. */
  async end(): Promise<void> {
    const late = setTimeout(() => {
      for (const lease of this.#held) lease.cut(new Error('the database is closed'))
      for (const client of this.#clients) streamOf(client).destroy()
    }, usualGraceMs)
    await this.#pool.end()
    clearTimeout(late)
  }

  /** The pool's time limit ends with the connecting. */
  async #greeted(client: pg.PoolClient): Promise<Peer> {
    let late: NodeJS.Timeout | undefined
    const silence = new Promise<never>((_, reject) => {
      const error = Object.assign(new Error('the database did not answer a new connection'), { code: 'ETIMEDOUT' })
      late = setTimeout(() => reject(error), this.#options.connectMs)
    })
    const greeting = greet(client, this.#options.limits)
    greeting.catch(() => {})
    try {
      return await Promise.race([greeting, silence])
    } finally {
      clearTimeout(late)
    }
  }
}

function bytesOf(values: readonly unknown[]): number {
  let bytes = 0
  for (const value of values) {
    if (value instanceof Uint8Array) bytes += value.byteLength
    else if (typeof value === 'string') bytes += value.length
  }
  return bytes
}
