import type { Clock } from '@tidemark/shared'
import type { Catalogue } from '../admin/catalogue.ts'
import type { LiveDocuments } from '../admin/live-documents.ts'
import type { Authoriser } from '../auth/access.ts'
import type { AuthConfig } from '../config.ts'
import type { Failure, Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { NetworkPolicy } from './network-policy.ts'

/** Whether the server can take edits now; the reasons are sentences for an administrator. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reasons: readonly string[] }

/** What the HTTP side of a server needs from the rest of it. */
export interface AppParts {
  readonly auth: AuthConfig
  readonly version: string
  readonly databaseKind: 'postgres' | 'pglite'
  /** Unix ms. */
  readonly startedAt: number
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly network: NetworkPolicy
  readonly authoriser: Authoriser
  readonly catalogue: Catalogue
  readonly live: LiveDocuments
  /** Waits for a turn of the event loop. */
  rest(): Promise<void>
  onFailure(failure: Failure): void
  /** Must not throw, and should answer within a second even while the database is away. */
  readiness(): Promise<Readiness>
  /** Where the built demo and the admin page are; left out, where this package has them. */
  readonly folders?: { readonly demo: string; readonly admin: string }
}
