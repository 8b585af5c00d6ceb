import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from './free-port.ts'
import { query } from './postgres.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { until } from './until.ts'

/** A real pgbouncer in transaction mode in front of a database: each transaction may meet another process of Postgres. */
export class PgBouncer implements AsyncDisposable {
  readonly url: string
  readonly #folder: string
  readonly #child: ChildProcess

  private constructor(url: string, folder: string, child: ChildProcess) {
    this.url = url
    this.#folder = folder
    this.#child = child
  }

  /** @param poolSize how many connections to Postgres its clients share */
  static async before(databaseUrl: string, { poolSize = 3 } = {}): Promise<PgBouncer> {
    const target = new URL(databaseUrl)
    const database = target.pathname.slice(1)
    const port = await freePort()
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-pgbouncer-'))
    const users = join(folder, 'users')
    const file = join(folder, 'pgbouncer.ini')
    await writeFile(users, `"${target.username}" "${decodeURIComponent(target.password)}"\n`)
    await writeFile(
      file,
      `[databases]
${database} = host=${target.hostname} port=${target.port} dbname=${database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${poolSize}
server_round_robin = 1
log_connections = 0
log_disconnections = 0
`,
    )
    // it refuses to run as root, like Postgres
    const { identity } = postgresBinaries()
    const { uid, gid } = identity
    if (uid !== undefined && gid !== undefined) for (const path of [folder, users, file]) await chown(path, uid, gid)
    const child = spawn(pgbouncerBinary(), [file], { ...identity, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    child.stderr.on('data', (chunk) => {
      log += chunk
    })
    child.once('error', (error) => {
      log += error
    })
    const url = `postgres://${target.username}@127.0.0.1:${port}/${database}`
    await until('pgbouncer passes a question on', async () => {
      if (child.exitCode !== null) throw new Error(`pgbouncer ended: ${log}`)
      await query(url, 'select 1')
      return true
    })
    return new PgBouncer(url, folder, child)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
    await rm(this.#folder, { recursive: true, force: true })
  }
}

function pgbouncerBinary(): string {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/opt/homebrew/bin', '/usr/local/bin']
  const found = folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path))
  if (!found)
    throw new Error('these tests need pgbouncer: npm test installs it as root on Debian; elsewhere install it')
  execFileSync(found, ['--version'])
  return found
}
