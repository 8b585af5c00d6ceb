import type { TidemarkError } from '@tidemark/shared'

/** Failures in a row: what the connection or its sessions met since the server last acknowledged something. */
export interface Failing {
  readonly attempts: number
  /** Unix time in ms of the first of them. */
  readonly since: number
  /** The last of them. */
  readonly error: TidemarkError
}

/** No connection. */
export interface Offline {
  /** When it was last seen, or first tried; Unix time in ms. */
  readonly since: number
  /** For so long that the person should know (D3.5). */
  readonly isLong: boolean
}

/** What the person should be told beyond the state; Tidemark goes on trying all the same, and the edits stay. */
export type Attention =
  /** As many tries failed as the schedule has (D3.4): offer `document.retry()`. */
  | ({ readonly kind: 'sync-failing' } & Failing)
  /** No connection for longer than `longOffline` (D3.5). */
  | { readonly kind: 'offline-long'; readonly since: number }

export function oneMore(failing: Failing | null, error: TidemarkError, at: number): Failing {
  return { attempts: (failing?.attempts ?? 0) + 1, since: failing?.since ?? at, error }
}

/** The first failure begins the schedule; after it come its tries. */
export function isFailing(failing: Failing | null, tries: number): failing is Failing {
  return failing !== null && failing.attempts > tries
}
