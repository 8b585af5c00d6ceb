import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'
import { ServerProcess } from './server-process.ts'
import type { System } from './system.ts'

const script = fileURLToPath(new URL('../../../server/src/cli.ts', import.meta.url))

export const tidemarkExists = (): boolean => existsSync(script)

export const tidemark: System = {
  name: 'tidemark',
  title: 'Tidemark on Postgres',
  protocol: 'hocuspocus',
  stores: true,
  async start({ database, hurry = 1, origins = [], hosts = [] }) {
    const port = await freePort()
    const process = await ServerProcess.start({
      script,
      arguments: ['serve'],
      environment: {
        DATABASE_URL: database.url,
        PORT: String(port),
        TIDEMARK_ALLOWED_ORIGINS: origins.join(','),
        TIDEMARK_ALLOWED_HOSTS: hosts.join(','),
        ...(hurry === 1
          ? {}
          : {
              TIDEMARK_SNAPSHOT_DEBOUNCE_MS: String(2000 / hurry),
              TIDEMARK_SNAPSHOT_MAX_DEBOUNCE_MS: String(10_000 / hurry),
            }),
      },
      ready: /ready (http:\/\/\S+)/,
    })
    return { process, url: `ws://127.0.0.1:${port}/sync` }
  },
}
