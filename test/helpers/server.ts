import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newDataFolder } from './data-folder.ts'
import { freePort } from './free-port.ts'
import { pause, within } from './until.ts'

const cli = fileURLToPath(new URL('../../server/src/cli.ts', import.meta.url))

export interface ServerOptions {
  /** A Postgres connection string; without one the server keeps a PGlite in its own temporary folder. */
  databaseUrl?: string
  /** Keeps the PGlite folder of another server. */
  dataFolder?: string
  /** Has PGlite set up its database at the first start, as on a new machine. */
  isNewMachine?: boolean
  port?: number
  /** Without one the server runs open, on loopback. */
  secret?: string
  env?: Record<string, string>
  args?: string[]
  /** What starts it instead of the system: a program and its arguments, such as `unshare`. */
  launcher?: readonly string[]
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** `tidemark serve` as a process of its own, as a person would run it; it can be killed and started again. */
export class ServerProcess implements AsyncDisposable {
  readonly port: number
  readonly #options: ServerOptions
  readonly #dataFolder: string
  readonly #ownsFolder: boolean
  #child: ChildProcess | null = null
  #exit: Promise<Exit> = Promise.resolve({ code: null, signal: null })
  #stdout = ''
  #stderr = ''

  private constructor(options: ServerOptions, port: number, dataFolder: string) {
    this.#options = options
    this.port = port
    this.#dataFolder = dataFolder
    this.#ownsFolder = options.dataFolder === undefined
  }

  /** Starts a server and waits until it is ready. */
  static async start(options: ServerOptions = {}): Promise<ServerProcess> {
    const server = await ServerProcess.prepare(options)
    try {
      await server.start()
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
    return server
  }

  /** A server that does not run yet. */
  static async prepare(options: ServerOptions = {}): Promise<ServerProcess> {
    const { dataFolder, databaseUrl, isNewMachine } = options
    const isEmpty = isNewMachine || databaseUrl !== undefined
    const folder = dataFolder ?? (await (isEmpty ? mkdtemp(join(tmpdir(), 'tidemark-data-')) : newDataFolder()))
    return new ServerProcess(options, options.port ?? (await freePort()), folder)
  }

  get http(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Where Hocuspocus providers and Tidemark clients connect. */
  get sync(): string {
    return `ws://127.0.0.1:${this.port}/sync`
  }

  /** Where y-websocket clients connect. */
  get yWebsocket(): string {
    return `ws://127.0.0.1:${this.port}/y-websocket`
  }

  get dataFolder(): string {
    return this.#dataFolder
  }

  get stdout(): string {
    return this.#stdout
  }

  /** Everything it ever wrote, over all its starts. */
  get output(): string {
    return this.#stdout + this.#stderr
  }

  /** The structured log so far, one object a line. */
  get log(): Record<string, unknown>[] {
    return this.#stderr.split('\n').flatMap((line) => {
      try {
        return line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []
      } catch {
        return []
      }
    })
  }

  get pid(): number {
    if (!this.#child?.pid) throw new Error('the server does not run')
    return this.#child.pid
  }

  get running(): boolean {
    return this.#child !== null
  }

  /** How the last start ended. */
  get exited(): Promise<Exit> {
    return this.#exit
  }

  async start(): Promise<void> {
    this.launch()
    const child = this.#child
    const from = this.#stdout.length
    const ready = new Promise<void>((resolve) => {
      child?.stdout?.on('data', () => {
        if (this.#stdout.slice(from).includes('ready http')) resolve()
      })
    })
    const failed = this.#exit.then(({ code }) => {
      throw new Error(`the server ended with ${code} before it was ready:\n${this.output.slice(-4000)}`)
    })
    // it ends one day in any case, and by then nobody listens here
    failed.catch(() => {})
    await within(`the server is ready; it said:\n${this.output.slice(-4000)}`, 30_000, Promise.race([ready, failed]))
  }

  /** Starts the process and does not wait for anything. */
  launch(): void {
    if (this.#child) throw new Error('the server runs already')
    const storage = this.#options.databaseUrl ? { DATABASE_URL: this.#options.databaseUrl } : {}
    const auth = this.#options.secret ? { TIDEMARK_AUTH_SECRET: this.#options.secret } : {}
    const env = { ...ownEnvironment(), TIDEMARK_DATA: this.#dataFolder, PORT: String(this.port), ...storage, ...auth }
    const args = [cli, 'serve', ...(this.#options.args ?? [])]
    const [program = process.execPath, ...words] = [...(this.#options.launcher ?? []), process.execPath, ...args]
    const child = spawn(program, words, {
      cwd: this.#dataFolder,
      env: { ...env, ...this.#options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.#stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#stderr += chunk
    })
    this.#child = child
    this.#exit = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        if (this.#child === child) this.#child = null
        resolve({ code, signal })
      })
    })
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  /** No goodbye of any kind. */
  async kill9(): Promise<void> {
    this.signal('SIGKILL')
    await this.#exit
  }

  /** Graceful shutdown. */
  async stop(): Promise<Exit> {
    this.signal('SIGTERM')
    return within('the server stops', 20_000, this.#exit)
  }

  async restart(): Promise<void> {
    await this.kill9()
    await this.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child) await this.kill9()
    // a folder that a killed database was writing may need a moment
    for (let attempt = 0; this.#ownsFolder && attempt < 3; attempt += 1) {
      try {
        await rm(this.#dataFolder, { recursive: true, force: true })
        return
      } catch {
        await pause(100)
      }
    }
  }
}

/** The environment without anything that would configure a server. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(TIDEMARK_|VITEST|DATABASE_URL$|REDIS_URL$|PORT$|HOST$|NODE_ENV$|NODE_OPTIONS$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}
