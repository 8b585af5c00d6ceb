import { join } from 'node:path'
import { LoadProcess } from '../load/load-process.ts'
import { whenQuiet } from '../systems/machine.ts'
import type { System } from '../systems/system.ts'
import { CpuMeter } from './cpu.ts'
import { alternate, type BenchContext, type Figure, Rows, withLoad } from './figure.ts'

const watchers = 10

const crowds = [
  { people: 400, cpuLimit: 0.5 },
  { people: 1_000, cpuLimit: 0.5 },
] as const

const label = (people: number, what: string) => `${people.toLocaleString('en')} people: ${what}`

/** What it costs that everybody in a large document sees everybody move. */
export const presenceFigure: Figure = {
  name: 'presence',
  async run(context) {
    const rows = new Rows()
    for (const { people, cpuLimit } of crowds) {
      rows.define(label(people, 'server CPU (of one core)'), '', { kind: 'at-most', limit: cpuLimit })
      rows.define(label(people, 'from a move to its being seen, p50'), 'ms')
      rows.define(label(people, 'from a move to its being seen, p99'), 'ms', { kind: 'at-most', limit: 250 })
      rows.define(label(people, 'moves that were neither seen nor overtaken'), '')
      rows.define(label(people, 'load: CPU (of one core)'), '')
    }
    for (let repeat = 0; repeat < context.repeats; repeat++) {
      for (const system of alternate(context.systems, repeat)) {
        for (const { people } of crowds) await measure(context, system, people, repeat, rows)
      }
    }
    return {
      title: 'Presence of a crowd',
      ran:
        `Everybody in one document on a socket of their own, each moving once a second (Poisson arrivals, open loop) for ` +
        `${seconds(context)} s; about 130 bytes of state. ${watchers} of them read what they are sent, the others take it from the ` +
        `line. CPU is user + system of the server process, less what it takes when idle. ${context.repeats} repeats.`,
      rows: rows.all(),
      notes: ['A move that is followed by another before it is sent may be left out.'],
    }
  },
}

const seconds = ({ quick }: BenchContext) => (quick ? 5 : 15)

async function measure(
  context: BenchContext,
  system: System,
  people: number,
  repeat: number,
  rows: Rows,
): Promise<void> {
  const { process, url } = await system.start({ database: await context.postgres.createDatabase() })
  try {
    await withLoad(new LoadProcess(), async (load) => {
      await load.do('gather', { protocol: system.protocol, url, name: 'crowd', people, watchers })
      // the first time for each path, and everybody's first word to everybody
      await load.do('move', { perSecond: people, seconds: 3, seed: 1 })
      await whenQuiet(context.quick ? 5000 : 15_000)
      const meter = await CpuMeter.calibrate(process, context.postgres, 1000)
      if (context.profileFolder) await process.startProfile()
      await meter.start()
      const result = await load.do('move', { perSecond: people, seconds: seconds(context), seed: repeat + 2 })
      const cpu = await meter.stop()
      if (context.profileFolder) {
        await process.stopProfile(join(context.profileFolder, `${system.name}-crowd-${people}-${repeat}.cpuprofile`))
      }
      const add = (what: string, value: number | null | undefined) => rows.add(label(people, what), system.name, value)
      add('server CPU (of one core)', cpu.serverMs / cpu.ms)
      add('from a move to its being seen, p50', result.seen?.p50)
      add('from a move to its being seen, p99', result.seen?.p99)
      add('moves that were neither seen nor overtaken', result.unseen)
      add('load: CPU (of one core)', result.loadCpu)
      context.log(
        `${system.name} ${people} people #${repeat + 1}: CPU ${(cpu.serverMs / cpu.ms).toFixed(3)}, seen after ` +
          `${result.seen?.p50.toFixed(0)} / ${result.seen?.p99.toFixed(0)} ms, load CPU ${result.loadCpu.toFixed(2)}`,
      )
    })
  } finally {
    await process.kill()
  }
}
