import { type Clock, TidemarkError } from '@tidemark/shared'
import { pendingElsewhere } from './catch-up/backlog.ts'
import type { TidemarkDocument } from './document.ts'
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
  readonly clock: Clock
  readonly onFailure: (error: TidemarkError) => void
}

/** Sends what is pending, in documents that are not open too, says what is left, and then lets go (R3.4). */
export async function signOut(
  means: SignOutMeans,
  { flush = true, timeout = 5_000, wipe = 'when-drained' }: SignOutOptions,
): Promise<SignOutResult> {
  const until = means.clock.now() + timeout
  const { copies } = means
  let remaining = await pendingElsewhere(means.documents(), copies)
  if (flush) {
    const timeLeft = () => Math.max(0, until - means.clock.now())
    const open = [...means.documents()].map((document) => settled(document, timeLeft()))
    await Promise.all([...open, means.catchUp([...remaining.keys()], timeLeft)])
    remaining = await pendingElsewhere(means.documents(), copies)
  }
  // Counted and closed in one task: no edit can come in between.
  for (const document of means.documents()) remaining.set(document.name, document.unsaved)
  const closed = means.close()
  for (const [name, count] of remaining) if (count === 0) remaining.delete(name)
  await closed
  // What is set aside counts, too: nothing but the person's word deletes it (R9.6).
  const setAside = await copies.setAsideCopies().catch((cause: unknown) => tellFailure(means, cause))
  for (const { document, pendingCount } of setAside ?? []) {
    if (pendingCount > 0) remaining.set(document, (remaining.get(document) ?? 0) + pendingCount)
  }
  // copies that cannot be listed may hold something
  const drained = remaining.size === 0 && setAside !== null
  const shouldWipe = wipe === 'always' || (wipe === 'when-drained' && drained)
  const error = shouldWipe ? await wipeAll(means) : null
  return {
    drained,
    wiped: shouldWipe && !error,
    remaining: [...remaining].map(([name, pendingCount]) => ({ name, pendingCount })),
    ...(error ? { error } : {}),
  }
}

async function settled(document: TidemarkDocument, timeout: number): Promise<void> {
  await document.whenLoaded
  // what is left is counted afterwards, whatever the reason
  await document.flush({ timeout }).catch(() => {})
}

/** @returns why something is still there */
async function wipeAll(means: SignOutMeans): Promise<TidemarkError | null> {
  const outcomes = await Promise.allSettled((await means.copies.documents()).map((name) => means.copies.delete(name)))
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
