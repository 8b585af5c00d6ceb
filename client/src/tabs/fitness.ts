import type { ErrorCode } from '@tidemark/shared'

/** How well a tab can lead. */
export interface Fitness {
  readonly isVisible: boolean
  /** Its last session met what only a person can mend in this very tab; another tab may have better luck. */
  readonly isHelpless: boolean
}

/** Should it lead rather than the other one? (D1.4) Of two that can sync, or cannot, a visible one. */
export function outranks(one: Fitness, other: Fitness): boolean {
  return one.isHelpless === other.isHelpless ? one.isVisible && !other.isVisible : other.isHelpless
}

/** What depends on a tab's own token. */
const ofTheTab: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'token-missing',
  'token-invalid',
  'token-expired',
  'token-revoked',
  'token-provider-failed',
  'permission-denied',
  'read-only',
])

export function makesHelpless(code: ErrorCode): boolean {
  return ofTheTab.has(code)
}
