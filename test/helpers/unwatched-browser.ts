import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { executablePath, switches } from './chromium.ts'
import { bundle, type Files } from './tabs-page/build.ts'
import type { Told } from './tabs-page/early.ts'

/** A Chromium without developer tools, as a person has it, and the pages that tell by themselves how they go. */
export class UnwatchedBrowser implements AsyncDisposable {
  readonly #server: Server
  readonly #folder: string
  readonly #files: Files
  #browser: ChildProcess | null = null
  #options = ''
  /** The person goes to the next page. */
  goesOn = false
  /** What each page said last. */
  readonly told = new Map<string, Told>()

  private constructor(server: Server, folder: string, files: Files) {
    this.#server = server
    this.#folder = folder
    this.#files = files
    server.on('request', (request, response) => {
      void this.#answer(request).then(({ type, body }) => response.setHeader('Content-Type', type).end(body))
    })
  }

  static async prepare(): Promise<UnwatchedBrowser> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-unwatched-'))
    return new UnwatchedBrowser(server, folder, await bundle('early.ts'))
  }

  /** What servers must allow to connect. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  start(page: string, options: object): void {
    this.#options = JSON.stringify(options)
    const profile = `--user-data-dir=${this.#folder}`
    this.#browser = spawn(executablePath, [...switches(), '--headless=new', profile, `${this.origin}/${page}`], {
      ...{ stdio: 'ignore', detached: true },
    })
  }

  async #answer(request: IncomingMessage): Promise<{ type: string; body: string }> {
    const path = (request.url ?? '/').slice(1)
    if (path === 'options.json') return { type: 'application/json', body: this.#options }
    if (path === 'tell') {
      const told = JSON.parse(await text(request)) as Told
      this.told.set(told.page, told)
      return { type: 'text/plain', body: this.goesOn ? 'go on' : '' }
    }
    const script = this.#files.get(path)
    if (script !== undefined) return { type: 'text/javascript', body: script }
    return {
      type: 'text/html',
      body: '<!doctype html><title>early</title><script type="module" src="/early.js"></script>',
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const browser = this.#browser
    if (browser?.pid && browser.exitCode === null) {
      const exited = new Promise((resolve) => browser.once('exit', resolve))
      process.kill(-browser.pid, 'SIGKILL')
      await exited
    }
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}
