import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { freePort } from './free-port.ts'
import { ServerProcess } from './server-process.ts'
import type { System } from './system.ts'

// The package exports no path to its own command, so it is found beside its package.json.
const root = dirname(createRequire(import.meta.url).resolve('@y/websocket-server/package.json'))

export const yWebsocket: System = {
  name: 'y-websocket',
  title: '@y/websocket-server 0.1.1 (stores nothing)',
  protocol: 'y-websocket',
  stores: false,
  async start() {
    const port = await freePort()
    const process = await ServerProcess.start({
      script: join(root, 'src/server.js'),
      arguments: [],
      environment: { HOST: '127.0.0.1', PORT: String(port) },
      ready: /^running at/,
    })
    return { process, url: `ws://127.0.0.1:${port}` }
  },
}
