import type { Protocol } from '../load/replica.ts'
import type { Database } from './postgres.ts'
import type { ServerProcess } from './server-process.ts'

/** `before`: Tidemark as it is in another checkout. */
export type SystemName = 'tidemark' | 'before' | 'hocuspocus' | 'y-websocket'

export const systemNames: readonly SystemName[] = ['tidemark', 'before', 'hocuspocus', 'y-websocket']

export interface StartOptions {
  /** Where it stores; a system that stores nothing leaves it alone. */
  readonly database: Database
  /** Tidemark stores in PGlite, in this folder, instead. */
  readonly folder?: string
  /** Time runs this many times faster than for a person: debounces are divided by it. 1 unless said otherwise. */
  readonly hurry?: number
  /** Pages that browsers connect from, and names beside its own that they know the server by. */
  readonly origins?: readonly string[]
  readonly hosts?: readonly string[]
}

export interface RunningSystem {
  readonly process: ServerProcess
  /** For {@link Protocol}'s provider. */
  readonly url: string
}

/** One of the systems set side by side. */
export interface System {
  readonly name: SystemName
  readonly title: string
  readonly protocol: Protocol
  readonly stores: boolean
  start(options: StartOptions): Promise<RunningSystem>
}
