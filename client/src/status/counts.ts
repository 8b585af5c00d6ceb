import type { ErrorCode, TidemarkError } from '@tidemark/shared'
import { isFailing } from './attention.ts'
import { missing, pendingCount, sentTo } from './positions.ts'
import { keepsEdits, type Situation } from './status.ts'
import { inTrueWords } from './wording.ts'

/** How many edits are not acknowledged, by what becomes of them (D3.1). */
export interface PendingStatus {
  /** The sum of the other three. */
  readonly total: number
  /** Not sent yet. */
  readonly pending: number
  /** Sent, and not answered yet. */
  readonly processing: number
  /** Refused, or not to be sent before somebody has looked: see `document.failed`. */
  readonly failed: number
}

/** Why edits are not saved; for a person to review. The edits stay. */
export interface FailedSync {
  readonly code: ErrorCode
  readonly error: TidemarkError
  /** How many in a row have failed. */
  readonly attempts: number
  /** Unix time in ms. */
  readonly since: number
  /** How many edits wait because of it. */
  readonly pendingCount: number
}

export function countsOf(situation: Situation): PendingStatus {
  const { positions } = situation
  const total = pendingCount(positions)
  if (blockedBy(situation)) return { total, pending: 0, processing: 0, failed: total }
  const processing = missing(sentTo(positions), positions.acknowledged)
  return { total, pending: total - processing, processing, failed: 0 }
}

export function failedOf(situation: Situation): readonly FailedSync[] {
  const total = pendingCount(situation.positions)
  const blocking = blockedBy(situation)
  if (!blocking || total === 0) return []
  const error = inTrueWords(blocking, keepsEdits(situation))
  const { attempts = 1, since = 0 } = situation.failing ?? {}
  return [{ code: error.code, error, attempts, since, pendingCount: total }]
}

export const noneCounted: PendingStatus = { total: 0, pending: 0, processing: 0, failed: 0 }

export function sum(a: PendingStatus, b: PendingStatus): PendingStatus {
  return {
    total: a.total + b.total,
    pending: a.pending + b.pending,
    processing: a.processing + b.processing,
    failed: a.failed + b.failed,
  }
}

/** Later edits stand on a refused one, so what holds up one holds up all. */
function blockedBy({ obstacle, positions, failing, tries }: Situation): TidemarkError | null {
  if (obstacle && (obstacle.persistent || positions.refused)) return obstacle
  return isFailing(failing, tries) ? failing.error : null
}
