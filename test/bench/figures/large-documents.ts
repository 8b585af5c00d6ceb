import { join } from 'node:path'
import { LoadProcess } from '../load/load-process.ts'
import { whenQuiet } from '../systems/machine.ts'
import type { System } from '../systems/system.ts'
import { CpuMeter } from './cpu.ts'
import { alternate, type BenchContext, documentNames, type Figure, Rows, sleep, withLoad } from './figure.ts'

const documents = 10
const perSecond = 20
export const largeDocumentBytes = 1_300_000

/** What an edit of a large document costs. */
export const largeDocumentsFigure: Figure = {
  name: 'large-documents',
  async run(context) {
    const rows = new Rows()
    rows.define('server CPU per update', 'ms', { kind: 'ratio', limit: 0.1 })
    rows.define('Postgres CPU per update', 'ms')
    rows.define('peer latency p50', 'ms')
    rows.define('peer latency p99', 'ms', { kind: 'ratio', limit: 0.2 })
    rows.define('ack p99', 'ms')
    rows.define('load: edits made late, p99', 'ms')
    rows.define('bytes written to Postgres per update', 'B')
    const repeats = context.quick ? 1 : Math.min(context.repeats, 2)
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const system of alternate(context.systems, repeat)) await measure(context, system, repeat, rows)
    }
    return {
      title: 'Ten documents of 1.3 MB, 2 edits/s each',
      ran:
        `${documents} documents of 1.3 MB (tens of thousands of Yjs items), each with a writing and a reading ` +
        `provider; ${perSecond} one-letter updates/s in all for ${window(context)} s, after their seeds were stored; ` +
        `${repeats} repeats. Stock is one node with extension-database, which stores the whole document at its ` +
        'default debounce (2 s, at most 10 s); no extension-redis is in it.',
      rows: rows.all(),
      notes: [],
    }
  },
}

// Stock's ten-second stores come once, or twice, within the window.
const window = ({ quick }: BenchContext) => (quick ? 11 : 22)

async function measure(context: BenchContext, system: System, repeat: number, rows: Rows): Promise<void> {
  const database = await context.postgres.createDatabase()
  const { process, url } = await system.start({ database })
  try {
    await withLoad(new LoadProcess(), async (load) => {
      const names = documentNames('large', documents)
      const seedBytes = largeDocumentBytes
      await load.do('connect', { protocol: system.protocol, url, names, readers: true, seedBytes })
      // The seeds' own debounced stores are over after this.
      await sleep(1000)
      await load.do('write', { perSecond: 100, seconds: 1, seed: 1 })
      await sleep(2500)
      await whenQuiet(context.quick ? 5000 : 15_000)
      const meter = await CpuMeter.calibrate(process, context.postgres, 1000)
      const writtenBefore = await context.postgres.writtenBytes()
      if (context.profileFolder) {
        await process.startProfile()
        await sleep(1000)
      }
      await meter.start()
      const result = await load.do('write', { perSecond, seconds: window(context), seed: repeat + 2 })
      // Edits of the last seconds are paid for by the store that follows them.
      await sleep(2500)
      const cpu = await meter.stop()
      if (context.profileFolder) {
        await process.stopProfile(join(context.profileFolder, `${system.name}-large-${repeat}.cpuprofile`))
      }
      const written = (await context.postgres.writtenBytes()) - writtenBefore
      const postgresCpu = system.stores && cpu.postgresMs !== null ? cpu.postgresMs / result.edits : null
      rows.add('server CPU per update', system.name, cpu.serverMs / result.edits)
      rows.add('Postgres CPU per update', system.name, postgresCpu)
      rows.add('peer latency p50', system.name, result.peer?.p50)
      rows.add('peer latency p99', system.name, result.peer?.p99)
      rows.add('ack p99', system.name, result.ack?.p99)
      rows.add('load: edits made late, p99', system.name, result.lateness?.p99)
      rows.add('bytes written to Postgres per update', system.name, system.stores ? written / result.edits : null)
      context.log(
        `${system.name} large #${repeat + 1}: CPU ${(cpu.serverMs / result.edits).toFixed(3)} ms per update, ` +
          `peer ${result.peer?.p50.toFixed(2)} / ${result.peer?.p99.toFixed(1)} ms, load ${result.loadCpu.toFixed(2)}`,
      )
    })
  } finally {
    await process.kill()
  }
}
