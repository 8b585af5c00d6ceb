/**
 * `npm run fuzz`: hostile clients beside honest ones, round after round, each with a seed of its own. Most rounds are in
 * simulated time, from the gate to the journal; the others on real servers, with Postgres and with PGlite in turn.
 *
 *     node test/fuzz/run.ts [--minutes 30] [--seed first] [--only simulated|served]
 */
import { parseArgs } from 'node:util'
import { PostgresCluster } from '../helpers/postgres.ts'
import { Random } from '../helpers/random.ts'
import { ServerProcess } from '../helpers/server.ts'
import { secret } from '../helpers/tokens.ts'
import { serveRound } from './served/round.ts'
import { simulateRound, stepsOf } from './simulated/round.ts'
import { framesPerRound, simulate } from './simulated/simulate.ts'
import { Totals } from './totals.ts'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string' },
    only: { type: 'string' },
    rounds: { type: 'string' },
  },
})

/** Of so many rounds one is on a real server. */
const servedEvery = options.only === 'served' ? 1 : options.only === 'simulated' ? Number.POSITIVE_INFINITY : 10
const mostFailures = 10

const say = (line: string) => process.stdout.write(`${line}\n`)

async function main(): Promise<void> {
  const end = performance.now() + Number(options.minutes) * 60_000
  const rounds = Number(options.rounds ?? Number.POSITIVE_INFINITY)
  const first = options.seed === undefined ? new Random().int(1_000, 2 ** 31) : Number(options.seed)
  // what Yjs prints in honest clients says nothing of the server
  console.log = () => {}
  say(`seeds from ${first} on`)
  const totals = new Totals()
  await using cluster = await PostgresCluster.create({ fsync: false })
  let told = performance.now()
  for (let round = 0; round < rounds && performance.now() < end && totals.failures < mostFailures; round++) {
    const seed = first + round
    const isServed = round % servedEvery === servedEvery - 1
    const failure = isServed ? await served(seed, cluster, totals) : await simulated(seed, totals)
    if (failure !== null) say(failure)
    if (performance.now() - told < 60_000) continue
    told = performance.now()
    say(totals.line)
  }
  say(totals.report)
  process.exitCode = totals.failures > 0 ? 1 : 0
}

/** @returns what went wrong, made as short as it can be; null when nothing did */
async function simulated(seed: number, totals: Totals): Promise<string | null> {
  const findings = await simulateRound(seed, stepsOf(seed, framesPerRound)).catch(failed)
  totals.add('simulated', findings)
  if (findings.complaints.length === 0) return null
  return simulate(seed).then(
    () => `seed ${seed} failed once, and not again: ${findings.complaints[0]}`,
    (error: Error) => error.message,
  )
}

async function served(seed: number, cluster: PostgresCluster, totals: Totals): Promise<string | null> {
  const name = `fuzz_${seed}`
  const hasPostgres = seed % 2 === 0
  if (hasPostgres) await cluster.createDatabase(name)
  await using server = await ServerProcess.start({ secret, ...(hasPostgres ? { databaseUrl: cluster.url(name) } : {}) })
  const findings = await serveRound(server, { seed, frames: framesPerRound }).catch(failed)
  totals.add('served', findings)
  if (findings.complaints.length === 0) return null
  return `seed ${seed} on a server (--only served --rounds 1 --seed ${seed}): ${findings.complaints.slice(0, 5).join('\n')}`
}

function failed(error: Error): Awaited<ReturnType<typeof serveRound>> {
  const nothing = { sent: 0, acknowledged: 0, longestAck: 0, longestStandstill: 0, grownBy: null, seconds: 0 }
  return { ...nothing, complaints: [String(error.stack)], refusals: new Map() }
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  },
)
