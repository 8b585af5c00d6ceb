import { fileURLToPath } from 'node:url'
import { ServerProcess } from './server-process.ts'
import type { System } from './system.ts'

const script = fileURLToPath(new URL('../peers/hocuspocus.ts', import.meta.url))

export const hocuspocus: System = {
  name: 'hocuspocus',
  title: 'Hocuspocus 4.7 + extension-database',
  protocol: 'hocuspocus',
  stores: true,
  async start({ database, hurry = 1 }) {
    const process = await ServerProcess.start({
      script,
      arguments: [],
      environment: {
        DATABASE_URL: database.url,
        ...(hurry === 1 ? {} : { BENCH_DEBOUNCE: String(2000 / hurry), BENCH_MAX_DEBOUNCE: String(10_000 / hurry) }),
      },
      ready: /^ready http:\/\/(\S+)/,
    })
    return { process, url: `ws://${process.address}` }
  },
}
