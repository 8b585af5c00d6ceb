import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bundle } from '../tabs-page/build.ts'

/** The app's own web server: its page, its service worker, and the address where a person with its cookie gets a token. */
export class AppServer implements AsyncDisposable {
  readonly #server: Server
  /** How often somebody asked for a token, and with which cookie. */
  readonly cookies: (string | undefined)[] = []
  token = ''

  private constructor(server: Server, files: ReadonlyMap<string, string>) {
    this.#server = server
    server.on('request', ({ url = '/', headers }, response) => {
      const { pathname } = new URL(url, 'http://app')
      const file = files.get(pathname.slice(1))
      if (pathname === '/token') {
        this.cookies.push(headers.cookie)
        response.end(this.token)
      } else if (file !== undefined) response.setHeader('Content-Type', 'text/javascript').end(file)
      else if (pathname === '/') {
        response.setHeader('Set-Cookie', 'app=ada; HttpOnly; SameSite=Strict')
        response.setHeader('Content-Type', 'text/html')
        response.end('<!doctype html><title>app</title><script type="module" src="/page.js"></script>')
      } else response.writeHead(404).end()
    })
  }

  static async start(): Promise<AppServer> {
    const files = new Map<string, string>()
    for (const entry of ['page', 'worker']) {
      for (const [name, code] of await bundle(`../background-sync/${entry}.ts`)) files.set(name, code)
    }
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new AppServer(server, files)
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
