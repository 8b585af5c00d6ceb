import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'
import { ServerProcess } from './server-process.ts'
import type { System } from './system.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const scriptIn = (checkout: string) => resolve(checkout, 'server/src/cli.ts')

export const tidemarkExists = (): boolean => existsSync(scriptIn(root))

export const tidemark = tidemarkIn(root, { name: 'tidemark', title: 'Tidemark on Postgres' })

/** Tidemark as it is in another checkout, to see what a change costs. */
export const tidemarkBefore = (checkout: string): System =>
  tidemarkIn(checkout, { name: 'before', title: `Tidemark in ${checkout}` })

function tidemarkIn(checkout: string, names: Pick<System, 'name' | 'title'>): System {
  return {
    ...names,
    protocol: 'hocuspocus',
    stores: true,
    async start({ database, folder, hurry = 1, origins = [], hosts = [] }) {
      const port = await freePort()
      const process = await ServerProcess.start({
        script: scriptIn(checkout),
        arguments: ['serve'],
        environment: {
          ...(folder === undefined ? { DATABASE_URL: database.url } : { TIDEMARK_DATA: folder }),
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
}
