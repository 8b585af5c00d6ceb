/**
 * `npm run bench`: Tidemark beside stock Hocuspocus and `@y/websocket-server`, in one run on this machine.
 *
 *     node test/bench/run.ts [--quick] [--only figure]… [--system name]… [--repeat n] [--profile folder]
 *       [--before checkout]: Tidemark as it is in another folder runs beside it, too
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { attacksFigure } from './figures/attacks.ts'
import { bytesPerEditFigure } from './figures/bytes-per-edit.ts'
import { clientSizeFigure } from './figures/client-size.ts'
import type { BenchContext, Figure, FigureResult } from './figures/figure.ts'
import { kill9Figure } from './figures/kill-9.ts'
import { largeDocumentsFigure } from './figures/large-documents.ts'
import { leaderGoneFigure } from './figures/leader-gone.ts'
import { localContentFigure } from './figures/local-content.ts'
import { memoryFigure } from './figures/memory.ts'
import { openingFigure } from './figures/opening.ts'
import { presenceFigure } from './figures/presence.ts'
import { ratesFigure } from './figures/rates.ts'
import { tabLatencyFigure } from './figures/tab-latency.ts'
import { tabsFigure } from './figures/tabs.ts'
import { typingFigure } from './figures/typing.ts'
import { judge, printFigure } from './report.ts'
import { hocuspocus } from './systems/hocuspocus.ts'
import { BenchPostgres } from './systems/postgres.ts'
import type { System } from './systems/system.ts'
import { tidemark, tidemarkBefore } from './systems/tidemark.ts'
import { yWebsocket } from './systems/y-websocket.ts'

const allFigures: readonly Figure[] = [
  kill9Figure,
  ratesFigure,
  largeDocumentsFigure,
  bytesPerEditFigure,
  openingFigure,
  memoryFigure,
  presenceFigure,
  tabsFigure,
  localContentFigure,
  tabLatencyFigure,
  typingFigure,
  leaderGoneFigure,
  clientSizeFigure,
  attacksFigure,
]

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    system: { type: 'string', multiple: true },
    repeat: { type: 'string' },
    profile: { type: 'string' },
    before: { type: 'string' },
  },
})
const allSystems: readonly System[] = [
  tidemark,
  ...(options.before ? [tidemarkBefore(options.before)] : []),
  hocuspocus,
  yWebsocket,
]

function chosen<Named extends { readonly name: string }>(all: readonly Named[], names: string[] | undefined): Named[] {
  for (const name of names ?? []) {
    if (!all.some((one) => one.name === name)) {
      throw new Error(`"${name}" is none of ${all.map((one) => one.name).join(', ')}`)
    }
  }
  return all.filter(({ name }) => names?.includes(name) ?? true)
}

const print = (text: string) => process.stdout.write(`${text}\n`)

async function main(): Promise<void> {
  const figures = chosen(allFigures, options.only)
  const systems = chosen(allSystems, options.system)
  const repeats = options.repeat ? Number.parseInt(options.repeat, 10) : options.quick ? 1 : 3
  if (!(repeats > 0)) throw new Error('--repeat takes a number above 0')
  if (options.profile) await mkdir(options.profile, { recursive: true })

  const started = new Date()
  const postgres = await BenchPostgres.start()
  try {
    const version = await postgres.version()
    const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores`
    print(`# Tidemark bench, ${started.toISOString()}`)
    print(
      `${machine}; Node ${process.version}; Postgres ${version} with fsync; ${options.quick ? 'quick' : 'full'} run`,
    )
    print(`${systems.map(({ title }) => title).join(' · ')}\n`)
    const context: BenchContext = {
      postgres,
      systems,
      quick: options.quick,
      repeats,
      profileFolder: options.profile ?? null,
      log: (line) => process.stderr.write(`  ${line}\n`),
    }
    const results: { name: string; seconds: number; result: FigureResult }[] = []
    for (const figure of figures) {
      const start = performance.now()
      try {
        const result = await figure.run(context)
        results.push({ name: figure.name, seconds: Math.round((performance.now() - start) / 1000), result })
        print(printFigure(result))
      } catch (error) {
        // The other figures are worth having all the same; the exit code tells that this one is missing.
        process.exitCode = 1
        print(`## ${figure.name}\n**Failed**: ${error instanceof Error ? error.stack : String(error)}\n`)
      }
    }
    printTargets(results.map(({ result }) => result))
    const path = await writeResults({ started, machine, node: process.version, postgres: version, repeats, results })
    print(`\nAll values: ${path}`)
  } finally {
    await postgres.stop()
  }
}

function printTargets(results: readonly FigureResult[]): void {
  const rows = results.flatMap(({ rows }) => rows.map(judge)).filter(({ verdict }) => verdict !== null)
  const count = (verdict: string) => rows.filter((row) => row.verdict === verdict).length
  print(`Targets: ${count('met')} met, ${count('not met')} not met, ${count('not measured')} not measured.`)
}

interface Run {
  started: Date
  machine: string
  node: string
  postgres: string
  repeats: number
  results: { name: string; seconds: number; result: FigureResult }[]
}

async function writeResults(run: Run): Promise<string> {
  const folder = fileURLToPath(new URL('./results/', import.meta.url))
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${run.started.toISOString().replaceAll(':', '-').slice(0, 19)}.json`)
  const results = run.results.map(({ result, ...rest }) => ({ ...rest, ...result, rows: result.rows.map(judge) }))
  await writeFile(path, `${JSON.stringify({ ...run, quick: options.quick, results }, null, 2)}\n`)
  return path
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
})
