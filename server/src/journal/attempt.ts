import type { Pace, Runner, Writer } from '../database/database.ts'
import { commit, type Portion } from './commit.ts'
import type { Place } from './line.ts'
import { findStored, type Standing, standingsOf } from './standing.ts'

/** What one try did with one document's portion. */
export type Verdict =
  /** Its first `count` entries are committed, the last of them at `head`. */
  | { kind: 'committed'; count: number; head: Place }
  /** Somebody holds the document's row, or it could not be found out why nothing was written. */
  | { kind: 'held' }
  | Exclude<Standing, { kind: 'same' }>

/** What one try did with a batch. */
export type Attempt =
  | { kind: 'answered'; verdicts: ReadonlyMap<Portion, Verdict>; seconds: number }
  | { kind: 'failed'; cause: unknown }

/** Tries once to commit the portions in one transaction, and finds out about those of which nothing was written. */
export async function tryOnce(
  writer: Writer,
  portions: readonly Portion[],
  options: { joining?: boolean; pace?: Pace } = {},
): Promise<Attempt> {
  // measured and never decided upon, so not of the injected clock
  const started = performance.now()
  const verdicts = new Map<Portion, Verdict>()
  const revisions = portions.map(({ line }) => line.revision)
  let heads: Map<number, Place>
  try {
    heads = await commit(writer, portions, options)
  } catch (cause) {
    for (const [index, portion] of portions.entries()) portion.triedFrom ??= revisions[index] as number
    return { kind: 'failed', cause }
  }
  for (const portion of portions) {
    const head = heads.get(portion.line.documentId)
    if (head) verdicts.set(portion, { kind: 'committed', count: portion.entries.length, head })
  }
  if (verdicts.size < portions.length) {
    const missed = portions.filter((portion) => !verdicts.has(portion))
    // whatever this look brings: the others are committed
    const verdictsOfMissed = await judgeMissed(writer, missed).catch(() => null)
    for (const portion of missed) verdicts.set(portion, verdictsOfMissed?.get(portion) ?? { kind: 'held' })
  }
  return { kind: 'answered', verdicts, seconds: (performance.now() - started) / 1000 }
}

async function judgeMissed(writer: Runner, missed: readonly Portion[]): Promise<Map<Portion, Verdict>> {
  const standings = await standingsOf(
    writer,
    missed.map(({ line }) => line),
  )
  const verdicts = new Map<Portion, Verdict>()
  for (const portion of missed) {
    const standing = standings.get(portion.line)
    if (standing === undefined || standing.kind === 'same') continue
    if (standing.kind !== 'ahead') {
      verdicts.set(portion, standing)
      continue
    }
    const stored = await findStored(writer, portion)
    portion.triedFrom = null
    portion.line.foreign(standing.head)
    verdicts.set(portion, stored ? { kind: 'committed', ...stored } : standing)
  }
  return verdicts
}
