import type { LoadProcess } from '../load/load-process.ts'
import type { BenchPostgres } from '../systems/postgres.ts'
import type { System, SystemName } from '../systems/system.ts'

export interface BenchContext {
  readonly postgres: BenchPostgres
  readonly systems: readonly System[]
  /** Shorter windows and one repeat: to see that everything works, not to quote. */
  readonly quick: boolean
  readonly repeats: number
  /** A folder for CPU profiles of the measured windows; `null` when none are wanted (they slow the server). */
  readonly profileFolder: string | null
  readonly log: (line: string) => void
}

/** What Tidemark must reach, judged on the median of the repeats. */
export type Target =
  /** Tidemark's figure is at most `limit` times stock Hocuspocus's in the same run. */
  { readonly kind: 'ratio'; readonly limit: number } | { readonly kind: 'at-most'; readonly limit: number }

export interface Row {
  readonly metric: string
  readonly unit: string
  /** One value for each repeat. No key: the system was not measured, or has no such thing. */
  readonly values: { readonly [Name in SystemName]?: readonly number[] }
  readonly target?: Target
}

export interface FigureResult {
  readonly title: string
  /** Exactly what was run, for somebody who reads only this figure. */
  readonly ran: string
  readonly rows: readonly Row[]
  readonly notes: readonly string[]
}

export interface Figure {
  readonly name: string
  run(context: BenchContext): Promise<FigureResult>
}

/** Collects the values of a figure's rows while systems and repeats alternate. */
export class Rows {
  readonly #rows = new Map<string, { unit: string; target?: Target; values: { [Name in SystemName]?: number[] } }>()

  /** Rows appear in the order in which they are defined. */
  define(metric: string, unit: string, target?: Target): void {
    this.#rows.set(metric, { unit, values: {}, ...(target ? { target } : {}) })
  }

  add(metric: string, system: SystemName, value: number | null | undefined): void {
    const row = this.#rows.get(metric)
    if (!row) throw new Error(`no row is called ${metric}`)
    if (value === null || value === undefined) return
    ;(row.values[system] ??= []).push(value)
  }

  all(): Row[] {
    return [...this.#rows].map(([metric, row]) => ({ metric, ...row }))
  }
}

/**
 * The systems of this repeat, in its order: each is first equally often, so that none always gets a cold machine. What
 * stores nothing is there for orientation, no target refers to it, and it runs in the first repeat only.
 */
export function alternate(systems: readonly System[], repeat: number): System[] {
  return systems
    .map((_, index) => systems[(index + repeat) % systems.length]!)
    .filter(({ stores }) => stores || repeat === 0)
}

/** Awaits `act`, then ends the load process, whatever happened. */
export async function withLoad<Result>(
  load: LoadProcess,
  act: (load: LoadProcess) => Promise<Result>,
): Promise<Result> {
  try {
    return await act(load)
  } finally {
    await load.end()
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export const documentNames = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
