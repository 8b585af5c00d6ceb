import { type ChildProcess, spawn } from 'node:child_process'
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { freePort } from './free-port.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { until } from './until.ts'

const password = 'postgres-password-that-no-log-may-show'

export interface ClusterOptions {
  /**
   * Whether a commit waits for the disk, as it does by default. Without it the kill of any process still loses nothing,
   * and the time a commit takes says nothing about the disk of whoever runs the tests.
   */
  readonly fsync?: boolean
}

/** Our own Postgres cluster, that can be stopped, started and killed. */
export class PostgresCluster implements AsyncDisposable {
  readonly port: number
  readonly #folder: string
  readonly #fsync: boolean
  #process: ChildProcess | null = null
  #log = ''

  private constructor(folder: string, port: number, fsync: boolean) {
    this.#folder = folder
    this.port = port
    this.#fsync = fsync
  }

  static async create({ fsync = true }: ClusterOptions = {}): Promise<PostgresCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-postgres-'))
    const cluster = new PostgresCluster(folder, await freePort(), fsync)
    await cluster.#initialise()
    await cluster.start()
    return cluster
  }

  url(database: string): string {
    return `postgres://postgres:${password}@127.0.0.1:${this.port}/${database}`
  }

  async start(): Promise<void> {
    if (this.#process) return
    const { postgres, identity } = postgresBinaries()
    const addresses = ['unix_socket_directories=', 'listen_addresses=127.0.0.1']
    const settings = [...addresses, 'shared_buffers=64MB', `fsync=${this.#fsync ? 'on' : 'off'}`]
    const args = ['-D', this.#data, '-p', String(this.port), ...settings.flatMap((setting) => ['-c', setting])]
    const child = spawn(postgres, args, { ...identity, cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr.on('data', (chunk) => {
      this.#log += chunk
    })
    this.#process = child
    child.once('exit', () => {
      if (this.#process === child) this.#process = null
    })
    await until('Postgres accepts connections', () => this.#accepts(child), { timeout: 30_000, interval: 20 })
  }

  /** Fast shutdown: open transactions are rolled back, connections are closed, the data is flushed. */
  async stop(): Promise<void> {
    await this.#end('SIGINT')
  }

  /** What a power failure leaves: no checkpoint, no goodbye; the next start recovers from the log. */
  async crash(): Promise<void> {
    await this.#end('SIGQUIT')
  }

  async createDatabase(name: string): Promise<string> {
    await query(this.url('postgres'), `create database ${pg.escapeIdentifier(name)}`)
    return this.url(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash()
    await rm(this.#folder, { recursive: true, force: true })
  }

  get #data(): string {
    return join(this.#folder, 'data')
  }

  async #initialise(): Promise<void> {
    const { initdb, identity } = postgresBinaries()
    const passwordFile = join(this.#folder, 'password')
    await mkdir(this.#data)
    await writeFile(passwordFile, password)
    const { uid, gid } = identity
    if (uid !== undefined && gid !== undefined) {
      for (const path of [this.#folder, this.#data, passwordFile]) await chown(path, uid, gid)
    }
    const options = ['--auth=scram-sha-256', '--username=postgres', `--pwfile=${passwordFile}`]
    const args = [`--pgdata=${this.#data}`, ...options, '--encoding=UTF8', '--no-locale', '--no-sync']
    const child = spawn(initdb, args, { ...identity, cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (code !== 0) throw new Error(`initdb failed: ${output}`)
  }

  async #accepts(child: ChildProcess): Promise<boolean> {
    if (child.exitCode !== null) throw new Error(`Postgres ended: ${this.#log.slice(-2000)}`)
    await query(this.url('postgres'), 'select 1')
    return true
  }

  async #end(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    const child = this.#process
    if (!child) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    await ended
    this.#process = null
  }
}

let databases = 0

/** A fresh, empty database in the run's cluster. @returns its connection string */
export async function freshDatabase(): Promise<string> {
  const admin = inject('postgresUrl')
  databases += 1
  const name = `test_${process.pid}_${databases}_${Math.random().toString(36).slice(2, 8)}`
  await query(admin, `create database ${name}`)
  return admin.replace(/\/postgres$/, `/${name}`)
}

/** One statement on its own connection. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  // a server that stops while we are connected is the caller's business, seen through the failing query
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(sql, values)).rows
  } finally {
    await client.end().catch(() => {})
  }
}
