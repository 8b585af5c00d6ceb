import type { Clock } from '@tidemark/shared'
import type { Readiness } from './parts.ts'

export interface ReadinessParts {
  /** Whether the journal's last commit came through. */
  isAvailable(): boolean
  isStopping(): boolean
  /** Asks the database why edits cannot be stored there; empty when they can. */
  troubles(): Promise<string[]>
  clock: Pick<Clock, 'after'>
  /** Waits for a turn of the event loop. */
  rest(): Promise<void>
}

/** However often somebody asks, the database is asked once in so many ms. */
const freshMs = 1_000
/** What is known for longer than this is not told any more before the database was asked again. */
const staleMs = 3_000
/** A database that takes longer is away, as far as whoever sends traffic here is concerned. */
const patienceMs = 800

/** Says whether the server can take edits: from memory, and from a question to the database that all who ask share. */
export function createReadiness({
  isAvailable,
  isStopping,
  troubles,
  clock,
  rest,
}: ReadinessParts): () => Promise<Readiness> {
  let known: { at: number; troubles: readonly string[] } | null = null
  let asking: Promise<readonly string[]> | null = null
  /** Those who wait for it, with one timer. */
  let waiting: Promise<readonly string[]> | null = null

  const ask = (): Promise<readonly string[]> => {
    asking ??= troubles()
      .catch(() => [away])
      .then((found) => {
        known = { at: performance.now(), troubles: found }
        asking = null
        return found
      })
    return asking
  }

  const ofDatabase = async (): Promise<readonly string[]> => {
    const age = known ? performance.now() - known.at : Number.POSITIVE_INFINITY
    // whoever asks every few seconds is answered from memory
    if (age >= freshMs) void ask()
    if (known && age < staleMs) return known.troubles
    const found = await (waiting ??= inTime().finally(() => {
      waiting = null
    }))
    // all of them hear of it in one moment
    await rest()
    return found
  }

  const inTime = async (): Promise<readonly string[]> => {
    let cancel = (): void => {}
    const late = new Promise<readonly string[]>((resolve) => {
      cancel = clock.after(patienceMs, () => resolve([away]))
    })
    const found = await Promise.race([ask(), late])
    cancel()
    return found
  }

  return async () => {
    const reasons = isStopping() ? ['shutting down'] : []
    if (!isAvailable()) reasons.push(away)
    // nobody is sent here in any case: the database need not be asked
    if (reasons.length === 0) reasons.push(...(await ofDatabase()))
    return reasons.length === 0 ? { ready: true } : { ready: false, reasons }
  }
}

const away = 'the database is away'
