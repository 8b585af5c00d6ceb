import { type Clock, TidemarkError } from '@tidemark/shared'
import type { Account } from './account/account.ts'
import { pendingElsewhere } from './catch-up/backlog.ts'
import type { TidemarkDocument } from './document.ts'
import { assertDuration } from './options.ts'
import type { LocalCopies } from './store/local-copies.ts'

export interface SignOutOptions {
  /** Wait until everything is saved. Default true. */
  readonly flush?: boolean
  /** How long to wait, in ms. Default 5000. */
  readonly timeout?: number
  /** When to delete what is on this device. `always` loses what is pending: ask the person first. */
  readonly wipe?: 'when-drained' | 'always' | 'never'
}

export interface SignOutResult {
  readonly drained: boolean
  readonly wiped: boolean
  /** What the server does not have; kept on this device unless `wiped`. */
  readonly remaining: readonly { readonly name: string; readonly pendingCount: number }[]
  /** Why what should have been deleted is not: `local-storage-in-use` or `local-storage-failed`. Absent when all was. */
  readonly error?: TidemarkError
}

export interface SignOutMeans {
  readonly documents: () => Iterable<TidemarkDocument>
  /** Saves documents that are not open. @param timeLeft ms that one gets which begins now */
  readonly catchUp: (names: readonly string[], timeLeft: () => number) => Promise<unknown>
  readonly close: () => Promise<void>
  readonly copies: LocalCopies
  readonly account: Account
  readonly clock: Clock
  readonly onFailure: (error: TidemarkError) => void
}

/** Sends what is pending, in documents that are not open too, says what is left, and then lets go (R3.4). */
export async function signOut(
  means: SignOutMeans,
  { flush = true, timeout = 5_000, wipe = 'when-drained' }: SignOutOptions,
): Promise<SignOutResult> {
  assertDuration('timeout', timeout)
  const until = means.clock.now() + timeout
  let elsewhere = await notOpen(means)
  if (flush) {
    const timeLeft = () => Math.max(0, until - means.clock.now())
    const open = [...means.documents()].map((document) => settled(document, timeLeft()))
    await Promise.all([...open, means.catchUp([...elsewhere.keys()], timeLeft)])
    elsewhere = await notOpen(means)
  }
  // Counted and closed in one task: no edit can come in between.
  const counted = [...means.documents()].map(({ name, unsaved }) => [name, unsaved] as const)
  const closed = means.close()
  await closed
  await means.account.leave()
  const { left: remaining, isAll } = await leftOn(means)
  for (const [name, count] of isAll ? [] : elsewhere) {
    if (!remaining.has(name)) remaining.set(name, count)
  }
  // what memory and the disk count apart is the same edits, so the larger count stands
  for (const [name, count] of counted) {
    if (count > 0) remaining.set(name, Math.max(count, remaining.get(name) ?? 0))
  }
  // copies that cannot be listed may hold something
  const drained = remaining.size === 0 && isAll
  const shouldWipe = wipe === 'always' || (wipe === 'when-drained' && drained)
  const error = shouldWipe ? await wipeAll(means, wipe === 'always') : null
  return {
    drained,
    wiped: shouldWipe && !error,
    remaining: [...remaining].map(([name, pendingCount]) => ({ name, pendingCount })),
    ...(error ? { error } : {}),
  }
}

async function notOpen(means: SignOutMeans): Promise<Map<string, number>> {
  return pendingElsewhere(means.documents(), means.copies).catch((cause) => {
    tellFailure(means, cause)
    return new Map()
  })
}

/**
 * Read from the copies themselves, once everything is closed: what a mark on this device stands for, and what was set
 * aside, counts, whatever the documents believed (R3.4, R9.6).
 * Where the browser does not list its databases, the documents that were opened here are all that can be said.
 */
async function leftOn(means: SignOutMeans): Promise<{ left: Map<string, number>; isAll: boolean }> {
  const { copies } = means
  const left = new Map<string, number>()
  const listed = await copies.documents().catch((cause: unknown) => tellFailure(means, cause))
  await Promise.all(
    (listed ?? copies.opened).map(async (name) => {
      const count = await countIn(means, name)
      if (count > 0) left.set(name, count)
    }),
  )
  return { left, isAll: listed !== null }
}

/** A copy that cannot be read may hold edits: it counts as one. */
async function countIn(means: SignOutMeans, name: string): Promise<number> {
  const { copies } = means
  const counts = await Promise.allSettled([copies.pendingCount(name), copies.setAsideCount(name)])
  const failed = counts.find((outcome) => outcome.status === 'rejected')
  if (failed) tellFailure(means, failed.reason)
  return counts.reduce((sum, outcome) => sum + (outcome.status === 'fulfilled' ? outcome.value : 1), 0)
}

async function settled(document: TidemarkDocument, timeout: number): Promise<void> {
  await document.whenLoaded
  // what is left is counted afterwards, whatever the reason
  await document.flush({ timeout }).catch(() => {})
}

/** @returns why something is still there */
async function wipeAll(means: SignOutMeans, isUnasked: boolean): Promise<TidemarkError | null> {
  const { copies } = means
  const names = await copies.documents().catch((cause: unknown) => failureOf(cause))
  if (names instanceof TidemarkError) {
    means.onFailure(names)
    return names
  }
  const wipe = async (name: string) => {
    // another tab may have written since everything was counted
    if (!isUnasked && (await copies.pendingCount(name)) > 0) throw new Error('an edit has come meanwhile')
    await copies.delete(name)
  }
  const outcomes = await Promise.allSettled(names.map(wipe))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (!failed) return null
  const error = failureOf(failed.reason)
  means.onFailure(error)
  return error
}

function tellFailure(means: SignOutMeans, cause: unknown): null {
  means.onFailure(failureOf(cause))
  return null
}

function failureOf(cause: unknown): TidemarkError {
  return cause instanceof TidemarkError ? cause : new TidemarkError('local-storage-failed', undefined, { cause })
}
