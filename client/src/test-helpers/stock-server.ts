import { Server } from '@hocuspocus/server'

/** A stock Hocuspocus server in this process. It acknowledges at once and stores nothing. */
export interface StockServer extends AsyncDisposable {
  readonly url: string
  readonly server: Server
}

export async function startStockServer(
  configuration: Partial<ConstructorParameters<typeof Server>[0]> = {},
): Promise<StockServer> {
  const server = new Server({ quiet: true, stopOnSignals: false, ...configuration, port: 0, address: '127.0.0.1' })
  await server.listen()
  return {
    server,
    url: `ws://127.0.0.1:${server.address.port}/sync`,
    async [Symbol.asyncDispose]() {
      await server.destroy()
    },
  }
}
