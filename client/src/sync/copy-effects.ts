import { pendingCount, pendingMarks } from '../status/positions.ts'
import type { LocalCopyEvents } from '../store/local-copy.ts'
import type { SyncParts } from './parts.ts'

/** What follows from what the local copy says. */
export function copyEffects(
  parts: Pick<SyncParts, 'standing' | 'failures' | 'copy' | 'membership' | 'diskNews'>,
): LocalCopyEvents {
  const { standing, failures } = parts
  return {
    stored: (position) => standing.happened({ type: 'stored', position }),
    failed: (error) => {
      failures.report(error)
      const isTransient = error.code === 'local-storage-full' || error.code === 'local-storage-failed'
      if (isTransient) standing.happened({ type: 'store-failed', error })
    },
    noted: (error) => failures.heal(error),
    recovered: () => standing.happened({ type: 'store-recovered' }),
    pending: () => pendingMarks(standing.situation.positions),
    hasUncounted: (marks) => {
      const has = parts.diskNews.hasUncounted(marks)
      if (has) void parts.diskNews.look()
      return has
    },
    gone: () => standing.happened({ type: 'store-gone' }),
    rewritten: (position) => standing.happened({ type: 'store-rewritten', position }),
    lost: (error) => {
      failures.report(error)
      parts.membership.lostCopy()
      standing.happened({ type: 'store-lost', error })
      if (pendingCount(standing.situation.positions) === 0) parts.copy.saved()
    },
  }
}
