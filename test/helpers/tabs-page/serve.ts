import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type BuildOptions, bundle } from './build.ts'
import type { PageKind } from './page.ts'

/** Serves the test pages on a free port, from memory: `/tidemark` and `/stock`. */
export class PageServer implements AsyncDisposable {
  readonly #server: Server
  readonly #files = new Map<string, string | Uint8Array>()

  private constructor(server: Server) {
    this.#server = server
    server.on('request', ({ url = '/' }, response) => {
      const path = url.slice(1)
      const file = this.#files.get(path)
      const page = this.#files.has(`${path}.js`)
      // Isolated pages have a clock of 5 µs; the others' has 100.
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
      response.setHeader('Content-Type', page ? 'text/html' : 'text/javascript')
      if (page) response.end(`<!doctype html><title>${path}</title><script type="module" src="/${path}.js"></script>`)
      else response.writeHead(file === undefined ? 404 : 200).end(file)
    })
  }

  static async start(): Promise<PageServer> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new PageServer(server)
  }

  /** What servers must allow to connect. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Builds a page. @param name where it is found, when not under its kind. @returns its address */
  async add(kind: PageKind, { name = kind, ...options }: BuildOptions & { name?: string } = {}): Promise<string> {
    for (const [file, code] of await bundle(`${kind}.ts`, options)) {
      this.#files.set(file === `${kind}.js` ? `${name}.js` : file, code)
    }
    return `${this.origin}/${name}`
  }

  /** Something to fetch. @returns its address */
  put(name: string, bytes: Uint8Array): string {
    this.#files.set(name, bytes)
    return `${this.origin}/${name}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
