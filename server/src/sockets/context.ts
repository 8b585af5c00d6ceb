import type { Access } from '../auth/access.ts'
import type { Gate } from './gate.ts'

/** What Hocuspocus carries for each session of a socket. */
export interface ConnectionContext {
  readonly gate: Gate
  /** Set once the session has authenticated. */
  readonly access?: Access
}
