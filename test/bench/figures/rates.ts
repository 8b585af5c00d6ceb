import { join } from 'node:path'
import { LoadProcess } from '../load/load-process.ts'
import { whenQuiet } from '../systems/machine.ts'
import type { System } from '../systems/system.ts'
import { CpuMeter } from './cpu.ts'
import { alternate, type BenchContext, documentNames, type Figure, Rows, sleep, withLoad } from './figure.ts'

const rates = [
  { perSecond: 1000, ackLimit: 10, cpuLimit: 1.2 },
  { perSecond: 8000, ackLimit: 30, cpuLimit: 1 },
] as const
const documents = 200

const label = (perSecond: number, what: string) => `${perSecond.toLocaleString('en')}/s: ${what}`

/** Peer latency, ack latency and CPU while 200 documents are written, at two rates. */
export const ratesFigure: Figure = {
  name: 'rates',
  async run(context) {
    const rows = new Rows()
    for (const { perSecond, ackLimit, cpuLimit } of rates) {
      rows.define(label(perSecond, 'peer latency p50'), 'ms', { kind: 'ratio', limit: 1.1 })
      rows.define(label(perSecond, 'peer latency p99'), 'ms', { kind: 'ratio', limit: 1.1 })
      rows.define(label(perSecond, 'ack p50'), 'ms')
      rows.define(label(perSecond, 'ack p99'), 'ms', { kind: 'at-most', limit: ackLimit })
      rows.define(label(perSecond, 'server CPU per update'), 'ms', { kind: 'ratio', limit: cpuLimit })
      rows.define(label(perSecond, 'Postgres CPU per update'), 'ms')
      rows.define(label(perSecond, 'updates per second reached'), '')
      rows.define(label(perSecond, 'updates that did not arrive'), '')
      rows.define(label(perSecond, 'load: CPU (of one core)'), '')
      rows.define(label(perSecond, 'load: edits made late, p99'), 'ms')
      rows.define(label(perSecond, 'everything else on the machine: CPU (of one core)'), '')
    }
    for (let repeat = 0; repeat < context.repeats; repeat++) {
      for (const system of alternate(context.systems, repeat)) await measure(context, system, repeat, rows)
    }
    return {
      title: 'Latency and CPU under load',
      ran:
        `${documents} documents, each with a writing and a reading provider on sockets of their own in one load ` +
        `process; one letter per update, Poisson arrivals (open loop); ${window(context)} s at each rate after a ` +
        `warm-up of ${warmUp(context)} s, ${context.repeats} repeats with the systems alternating (y-websocket once), medians. Latency ` +
        'runs from the edit in the writer’s Y.Doc to the reader’s Y.Doc, or to the writer’s ack. CPU is user + system ' +
        'of the server process, less what it takes when idle.',
      rows: rows.all(),
      notes: [
        'Only Tidemark’s acks mean durable: stock Hocuspocus acknowledges what is in memory, y-websocket nothing.',
      ],
    }
  },
}

// Ten seconds are stock's longest debounce, so each window has one whole round of its stores.
const window = ({ quick }: BenchContext) => (quick ? 3 : 10)
const warmUp = ({ quick }: BenchContext) => (quick ? 3 : 5)

async function measure(context: BenchContext, system: System, repeat: number, rows: Rows): Promise<void> {
  const database = await context.postgres.createDatabase()
  const { process, url } = await system.start({ database })
  try {
    await withLoad(new LoadProcess(), async (load) => {
      const names = documentNames('rate', documents)
      await load.do('connect', { protocol: system.protocol, url, names, readers: true, seedBytes: 0 })
      await load.do('write', { perSecond: 6000, seconds: warmUp(context), seed: 1 })
      await sleep(500)
      await whenQuiet(context.quick ? 5000 : 15_000)
      const meter = await CpuMeter.calibrate(process, context.postgres, 1000)
      for (const { perSecond } of rates) {
        await whenQuiet(context.quick ? 5000 : 15_000)
        if (context.profileFolder) {
          await process.startProfile()
          await sleep(1000)
        }
        await meter.start()
        const result = await load.do('write', { perSecond, seconds: window(context), seed: repeat + 2 })
        const cpu = await meter.stop()
        if (context.profileFolder) {
          await process.stopProfile(join(context.profileFolder, `${system.name}-${perSecond}-${repeat}.cpuprofile`))
        }
        const add = (what: string, value: number | null | undefined) =>
          rows.add(label(perSecond, what), system.name, value)
        add('peer latency p50', result.peer?.p50)
        add('peer latency p99', result.peer?.p99)
        add('ack p50', result.ack?.p50)
        add('ack p99', result.ack?.p99)
        add('server CPU per update', cpu.serverMs / result.edits)
        add('Postgres CPU per update', system.stores && cpu.postgresMs !== null ? cpu.postgresMs / result.edits : null)
        add('updates per second reached', (result.edits / result.ms) * 1000)
        add('updates that did not arrive', result.unseen)
        add('load: CPU (of one core)', result.loadCpu)
        add('load: edits made late, p99', result.lateness?.p99)
        if (cpu.machineMs !== null) {
          const ours = cpu.serverMs + (cpu.postgresMs ?? 0) + result.loadCpu * result.ms
          add('everything else on the machine: CPU (of one core)', Math.max(0, cpu.machineMs - ours) / cpu.ms)
        }
        context.log(
          `${system.name} ${perSecond}/s #${repeat + 1}: peer ${result.peer?.p50.toFixed(2)} / ` +
            `${result.peer?.p99.toFixed(1)} ms, ack ${result.ack?.p50.toFixed(2) ?? '–'} / ` +
            `${result.ack?.p99.toFixed(1) ?? '–'} ms, CPU ${(cpu.serverMs / result.edits).toFixed(4)} ms`,
        )
      }
    })
  } finally {
    await process.kill()
  }
}
