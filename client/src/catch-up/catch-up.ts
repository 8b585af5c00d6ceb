import { TidemarkError } from '@tidemark/shared'
import type { FlushOptions } from '../flush.ts'
import { type Due, firstSize, inOrder, nextSize, type Priority } from './batches.ts'

export interface CatchUpOptions {
  /** Default: every document on this device that has pending edits. */
  readonly documents?: readonly { readonly name: string; readonly priority?: Priority }[]
  readonly signal?: AbortSignal
  /** ms that each document gets. Default 30 000. */
  readonly timeout?: number
  /** Each document as soon as it is decided, whatever the others do. */
  readonly onProgress?: (progress: CatchUpProgress) => void
}

export type CatchUpResult =
  | { readonly name: string; readonly outcome: 'saved' }
  /** Its edits stay. */
  | { readonly name: string; readonly outcome: 'failed'; readonly error: TidemarkError }

export interface CatchUpProgress {
  readonly done: number
  readonly total: number
  readonly last: CatchUpResult
}

/** Opens the document if it is not, flushes it, and closes it again if nobody else wants it. */
export type Save = (name: string, options: FlushOptions) => Promise<void>

export interface CatchUpRun {
  readonly signal?: AbortSignal | undefined
  /** ms that a document gets that begins now. */
  readonly timeLeft: () => number
  readonly onProgress?: CatchUpOptions['onProgress']
}

/** Saves many documents, some at a time (D3.3). Never rejects. @returns in the order in which they were decided */
export async function catchUp(
  documents: readonly Due[],
  save: Save,
  { signal, timeLeft, onProgress }: CatchUpRun,
): Promise<CatchUpResult[]> {
  const waiting = inOrder(documents)
  const results: CatchUpResult[] = []
  let size = firstSize
  /** Why none of those that wait is tried: the server answered nobody in a whole batch. */
  let hopeless: TidemarkError | null = null
  const decided = (last: CatchUpResult) => {
    results.push(last)
    onProgress?.({ done: results.length, total: documents.length, last })
    return last
  }
  const attempt = async (name: string): Promise<CatchUpResult> => {
    const timeout = timeLeft()
    try {
      if (hopeless) throw hopeless
      if (signal?.aborted) throw new TidemarkError('flush-aborted', undefined, { cause: signal.reason })
      if (timeout <= 0) throw new TidemarkError('flush-timeout')
      await save(name, signal ? { timeout, signal } : { timeout })
      return decided({ name, outcome: 'saved' })
    } catch (cause) {
      const error = cause instanceof TidemarkError ? cause : new TidemarkError('internal', undefined, { cause })
      return decided({ name, outcome: 'failed', error })
    }
  }
  while (waiting.length > 0) {
    const batch = await Promise.all(waiting.splice(0, size).map(({ name }) => attempt(name)))
    const failed = batch.flatMap((result) => (result.outcome === 'failed' ? [result.error] : []))
    if (failed.length === batch.length && failed.every(({ code }) => code === 'flush-timeout')) hopeless = failed[0]!
    size = nextSize(size, failed.length === 0)
  }
  return results
}
