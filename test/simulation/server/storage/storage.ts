import type { Timeline } from '../../../../client/src/testing/timeline.ts'
import type { Database, Runner } from '../../../../server/src/database/database.ts'
import type { Random } from '../../../helpers/random.ts'
import type { SimulatedProcess } from '../process.ts'
import { type Circumstances, type Meaning, meanings } from './statements.ts'
import { Tables } from './tables.ts'
import { databaseError, Troubles } from './troubles.ts'

/** A process's way to the database, as `openPostgres` sets it up; times in ms. */
interface Lane {
  readonly connections: number
  /** How long the database lets a statement wait for a lock. */
  readonly lockMs: number
  /** When the process gives up a connection that does not answer. */
  readonly patienceMs: number
  /** How long whoever finds no connection free waits for one. */
  readonly connectMs: number
}

const lanes = {
  brief: { connections: 6, lockMs: 1_000, patienceMs: 4_000, connectMs: 3_000 },
  patient: { connections: 2, lockMs: 1_000, patienceMs: 4_000, connectMs: 3_000 },
  others: { connections: 4, lockMs: 3_000, patienceMs: 4_000, connectMs: 5_000 },
} satisfies Record<string, Lane>

interface Arrived {
  readonly meaning: Meaning
  readonly statement: string
  readonly values: readonly unknown[]
  run(): void
  /** The database lets it wait no longer. */
  giveUp(): void
  readonly lockMs: number
}

export interface Watcher {
  /** A statement of `process` has committed. */
  ran(statement: string, values: readonly unknown[], process: SimulatedProcess): void
  /** `process` has sent a commit of the documents. */
  tried(names: readonly string[], process: SimulatedProcess): void
  unknown(statement: string): void
}

/**
 * A database server in simulated time: what has arrived runs, one statement after another, each as its own transaction,
 * unless something is wrong; whoever asked may be gone, or have given up, by the time it does.
 */
export class Storage {
  readonly tables = new Tables()
  readonly troubles = new Troubles()
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #watcher: Watcher
  /** Statements that wait for a lock. */
  readonly #waiting = new Set<Arrived>()
  /** Statements that have not been answered, and how to cut their connections. */
  readonly #flights = new Set<() => void>()

  constructor(timeline: Timeline, random: Random, watcher: Watcher) {
    this.#timeline = timeline
    this.#random = random
    this.#watcher = watcher
  }

  /** Locks are gone: whoever waited goes on, in the order of arrival. */
  release(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const arrived of waiting) this.#arrive(arrived)
  }

  /** All connections are cut, and the newest commits never happened: another server has taken over. */
  failOver(commits: number): void {
    this.#waiting.clear()
    for (const cut of [...this.#flights]) cut()
    this.tables.rewind(commits)
  }

  /** What runs outside of time, for whoever looks: nothing is wrong, and all is answered at once. */
  get direct(): Database {
    const run = async <Row>({ name }: { name: string }, values: readonly unknown[]) => {
      const meaning = meanings[name]
      if (!meaning) throw new Error(`the simulated database does not know ${name}`)
      return meaning.run(
        this.#circumstances(() => false),
        values,
      ) as Row[]
    }
    return {
      kind: 'postgres',
      kysely: nothing as Database['kysely'],
      run,
      writer: { run },
      questions: { run },
      troubles: async () => [],
      close: async () => {},
    }
  }

  /** How many statements wait for a lock. */
  get waiting(): number {
    return this.#waiting.size
  }

  latency(): number {
    const { least, most } = this.troubles.latency
    return this.#random.int(least, most)
  }

  /** The database as a process sees it: the journal has connections of its own. */
  open(process: SimulatedProcess): Database {
    const [brief, patient] = [this.#lane(process, lanes.brief), this.#lane(process, lanes.patient)]
    return {
      kind: 'postgres',
      kysely: nothing as Database['kysely'],
      ...this.#lane(process, lanes.others),
      writer: {
        run: (statement, values, pace = 'brief') => (pace === 'brief' ? brief : patient).run(statement, values),
      },
      questions: this.#lane(process, lanes.others),
      troubles: async () => [],
      close: async () => {},
    }
  }

  #lane(process: SimulatedProcess, lane: Lane): Runner {
    const pool = new Pool(this.#timeline, lane)
    return {
      run: <Row>(statement: { name: string }, values: readonly unknown[]) =>
        new Promise<Row[]>((resolve, reject) => {
          pool.take(
            (release) => {
              const cut = () => settle(() => reject(databaseError('57P01')))
              this.#flights.add(cut)
              const settle = once((answer: () => void) => {
                this.#flights.delete(cut)
                release()
                if (process.isAlive) answer()
              })
              this.#send(process, lane, statement.name, values, {
                isSettled: () => !this.#flights.has(cut),
                answer: (rows) => settle(() => resolve(rows as Row[])),
                refuse: (error) => settle(() => reject(error)),
              })
            },
            () => reject(new Error('timeout exceeded when trying to connect')),
          )
        }),
    }
  }

  #send(
    process: SimulatedProcess,
    lane: Lane,
    statement: string,
    values: readonly unknown[],
    caller: { isSettled(): boolean; answer(rows: unknown[]): void; refuse(error: Error): void },
  ): void {
    const { troubles } = this
    const meaning = meanings[statement]
    if (!meaning) {
      this.#watcher.unknown(statement)
      caller.refuse(new Error(`the simulated database does not know ${statement}`))
      return
    }
    const cancel = this.#timeline.after(lane.patienceMs, () =>
      caller.refuse(new Error('the connection does not answer')),
    )
    const answered = (answer: () => void) => {
      this.#timeline.effectAt(this.#timeline.time + this.latency(), () => {
        cancel()
        answer()
      })
    }
    if (statement === 'tidemark-journal-commit') this.#watcher.tried(meaning.documents(this.tables, values), process)
    const dice = this.#random.int(1, 100)
    const fate = fateOf(dice, troubles.cut)
    this.#timeline.effectAt(this.#timeline.time + this.latency(), () => {
      // what a process had not handed to the network dies with it
      if (!process.isAlive && dice % 2 === 0) return
      // cut while it was on its way
      if (caller.isSettled()) return
      if (troubles.isAway) return answered(() => caller.refuse(databaseError('ECONNREFUSED')))
      if (fate === 'before') return answered(() => caller.refuse(databaseError('57P01')))
      const run = () => {
        const refusal = this.#refusalOf(meaning, values)
        if (refusal) return answered(() => caller.refuse(refusal))
        const rows = meaning.run(
          this.#circumstances((name) => this.#isHeld(name)),
          values,
        )
        this.#watcher.ran(statement, values, process)
        if (fate === 'after') answered(() => caller.refuse(databaseError('ECONNRESET')))
        else if (fate !== 'answer') answered(() => caller.answer(rows))
      }
      this.#arrive({
        meaning,
        statement,
        values,
        run,
        giveUp: () => answered(() => caller.refuse(databaseError('55P03'))),
        lockMs: lane.lockMs,
      })
    })
  }

  #arrive(arrived: Arrived): void {
    if (!this.#isLocked(arrived)) {
      arrived.run()
      return
    }
    this.#waiting.add(arrived)
    this.#timeline.after(arrived.lockMs, () => {
      if (this.#waiting.delete(arrived)) arrived.giveUp()
    })
  }

  #stamps = 0
  #circumstances(isHeld: (name: string) => boolean): Circumstances {
    return { tables: this.tables, isHeld, stamp: this.#timeline.time * 1_000 + ++this.#stamps }
  }

  #isHeld(name: string): boolean {
    return this.troubles.documents.get(name) === 'locked'
  }

  #isLocked({ meaning, statement, values }: Arrived): boolean {
    const { lockedTables } = this.troubles
    if (meaning.does === 'read' || meaning.table === null) return false
    if (lockedTables.has(meaning.table as never)) return true
    if (statement === 'tidemark-journal-commit' && lockedTables.has('documents')) return true
    return meaning.waits && meaning.documents(this.tables, values).some((name) => this.#isHeld(name))
  }

  #refusalOf(meaning: Meaning, values: readonly unknown[]): Error | null {
    const { troubles } = this
    if (meaning.does === 'read') return null
    if (troubles.isReadOnly) return databaseError('25006')
    const written = meaning.documents(this.tables, values)
    // what writes nothing needs no room
    if (troubles.isFull && written.length > 0) return databaseError('53100')
    for (const name of written) {
      const trouble = troubles.documents.get(name)
      if (trouble && trouble !== 'locked') return databaseError(trouble)
    }
    return null
  }
}

function fateOf(dice: number, { before, after, answer }: Troubles['cut']): 'before' | 'after' | 'answer' | 'well' {
  if (dice <= before) return 'before'
  if (dice <= before + after) return 'after'
  return dice <= before + after + answer ? 'answer' : 'well'
}

/** Whoever asks for more of the database than its statements asks for what is not simulated. */
const nothing: unknown = new Proxy(
  {},
  {
    get(_, name) {
      throw new Error(`the simulated database has no ${String(name)}`)
    },
  },
)

/** The connections of one process: whoever finds none free waits in line, and not for ever. */
class Pool {
  readonly #timeline: Timeline
  readonly #line: ((release: () => void) => void)[] = []
  readonly #connectMs: number
  #free: number

  constructor(timeline: Timeline, { connections, connectMs }: Lane) {
    this.#timeline = timeline
    this.#connectMs = connectMs
    this.#free = connections
  }

  take(use: (release: () => void) => void, giveUp: () => void): void {
    if (this.#free > 0) {
      this.#free -= 1
      use(this.#release)
      return
    }
    const begin = (release: () => void) => {
      cancel()
      use(release)
    }
    const cancel = this.#timeline.after(this.#connectMs, () => {
      this.#line.splice(this.#line.indexOf(begin), 1)
      giveUp()
    })
    this.#line.push(begin)
  }

  readonly #release = (): void => {
    const next = this.#line.shift()
    if (next) next(this.#release)
    else this.#free += 1
  }
}

function once<Value>(act: (value: Value) => void): (value: Value) => void {
  let isDone = false
  return (value) => {
    if (isDone) return
    isDone = true
    act(value)
  }
}
