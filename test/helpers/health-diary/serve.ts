import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

/** The diary as its maker would host it: on an origin of its own, with a backend that signs tokens. */
export class DiaryApp implements AsyncDisposable {
  readonly #server: Server
  /** What the backend answers when the page asks for a token; a promise when it takes its time. */
  token: string | Promise<string> = ''

  private constructor(server: Server, files: ReadonlyMap<string, string | Uint8Array>) {
    this.#server = server
    server.on('request', async ({ url = '/' }, response) => {
      const path = url.replace(/\?.*/, '').slice(1) || 'index.html'
      const file = path === 'token' ? await this.token : files.get(path)
      const type = { html: 'text/html', js: 'text/javascript', css: 'text/css' }[/\w+$/.exec(path)?.[0] ?? '']
      response.writeHead(file === undefined ? 404 : 200, { 'Content-Type': type ?? 'text/plain' }).end(file)
    })
  }

  /** Builds it, as any app that has `@tidemark/client` among its dependencies. */
  static async start(): Promise<DiaryApp> {
    const result = await build({
      root: fileURLToPath(new URL('./', import.meta.url)),
      configFile: false,
      logLevel: 'error',
      build: { write: false, target: 'esnext', minify: false, modulePreload: false },
    })
    const files = new Map<string, string | Uint8Array>()
    for (const { output } of Array.isArray(result) ? result : 'output' in result ? [result] : []) {
      for (const file of output) files.set(file.fileName, file.type === 'chunk' ? file.code : file.source)
    }
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new DiaryApp(server, files)
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The page of one of the curator's clients. @param sync where the Tidemark server is */
  address(sync: string, person = 'anna'): string {
    return `${this.origin}/?${new URLSearchParams({ server: sync, person })}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
