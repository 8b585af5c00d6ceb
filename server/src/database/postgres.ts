import { systemClock } from '@tidemark/shared'
import type { Driver, Pace, Runner, Statement, Writer } from './database.ts'
import { type PoolOptions, PostgresConnections } from './postgres-pool.ts'
import { SchemaGuard } from './schema-guard.ts'
import { askTroubles } from './troubles.ts'
import { Watch } from './watch.ts'

const second = 1_000

/**
 * Four ways to the same Postgres, so that none starves another: the journal's connections for what is quick and for what takes
 * long, those of loads, snapshots and questions, and one that asks how the others are. Thirteen connections at most.
 */
export function openPostgres(connectionString: string, onIdleError: (error: Error) => void): Driver {
  const common = { connectionString, onIdleError }
  const questions = new PostgresConnections({
    ...common,
    connections: 1,
    limits: { lockMs: second, statementMs: second },
    // nobody watches over the connection that the watch itself asks: dead, it would keep the others waiting (R7.10)
    graceMs: 0,
    connectMs: 2 * second,
    // new sessions see what was set for the database since
    idleMs: 10 * second,
    lifetimeSeconds: 30,
    watch: null,
  })
  const watch = new Watch((backends) => whoWorks(questions, backends), systemClock)
  const endBackend = (backend: number | null) => void end(questions, backend)
  const shared: Pick<PoolOptions, 'watch' | 'endBackend' | 'connectionString' | 'onIdleError'> = {
    ...common,
    watch,
    endBackend,
  }
  const brief = new PostgresConnections({
    ...shared,
    // one for all documents together, two for those that are committed apart, one to ask whether anything can be, and two
    // for batches that take long while the next one is under way
    connections: 6,
    // a batch that takes longer is ended and taken apart: one slow document would hold up the others in it (R6.18)
    limits: { lockMs: second, statementMs: 2 * second },
    // no time limit of the database's ends a commit that waits for a standby, and it must not be given up early
    graceMs: 33 * second,
    connectMs: 3 * second,
    idleMs: 0,
  })
  const patient = new PostgresConnections({
    ...shared,
    connections: 2,
    limits: { lockMs: second, statementMs: 30 * second },
    connectMs: 3 * second,
    idleMs: 10 * second,
  })
  const others = new PostgresConnections({
    ...shared,
    connections: 4,
    limits: { lockMs: 3 * second, statementMs: 60 * second },
    connectMs: 5 * second,
    // a new connection costs a person who opens a document tens of milliseconds
    idleMs: 300 * second,
  })
  const schema = new SchemaGuard()
  let closing: Promise<void> | null = null
  const close = async () => {
    await Promise.all([brief.end(), patient.end(), others.end()])
    watch.close()
    await questions.end()
  }
  return {
    kind: 'postgres',
    writer: paced(schema.guard(brief), schema.guard(patient)),
    ...schema.guard(others),
    connect: () => others.connect(),
    questions,
    troubles: () => askTroubles(questions),
    close: () => (closing ??= close()),
  }
}

const paced = (brief: Runner, patient: Runner): Writer => ({
  run: <Row>(statement: Statement, values: readonly unknown[], pace: Pace = 'brief') =>
    (pace === 'brief' ? brief : patient).run<Row>(statement, values),
})

const working = {
  name: 'tidemark-working',
  text: `
    select pid from pg_catalog.pg_stat_activity
    where pid = any($1::int[]) and coalesce(state, 'hidden') not like 'idle%'`,
}

async function whoWorks(questions: PostgresConnections, backends: readonly number[]): Promise<Set<number>> {
  const ask = () => questions.run<{ pid: number }>(working, [`{${backends.join(',')}}`])
  // the connection that asks may have died with the others: the second try has a new one
  const rows = await ask().catch(ask)
  return new Set(rows.map(({ pid }) => pid))
}

const cancel = { name: 'tidemark-cancel', text: 'select pg_catalog.pg_cancel_backend($1)' }

/** A commit that waits for a standby, for example, is no statement any more, and no time limit of the database ends it. */
async function end(questions: PostgresConnections, backend: number | null): Promise<void> {
  if (backend === null) return
  try {
    await questions.run(cancel, [backend])
  } catch {
    // the database is away, and so is what worked there
  }
}
