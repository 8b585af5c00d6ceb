import type { LatencySummary } from '../statistics.ts'
import type { Protocol } from './replica.ts'

export interface Target {
  readonly protocol: Protocol
  readonly url: string
}

/** What the bench asks of the load process, and what it gets. */
export interface Jobs {
  /** Opens a writer, and a reader if wanted, for each name; `seedBytes` of text are written first by each writer. */
  connect: {
    order: Target & { names: string[]; readers: boolean; seedBytes: number }
    result: { providers: number }
  }
  /** Edits the connected documents at random, open loop; resolves when all has arrived or 5 s after the last edit. */
  write: {
    order: { perSecond: number; seconds: number; seed: number }
    result: WriteResult
  }
  /** Writes until the server goes away (or `seconds` have passed), and says what was acknowledged by then. */
  'write-until-gone': {
    order: { perSecond: number; seconds: number; seed: number }
    result: { documents: { name: string; author: number; made: number; acked: number }[] }
  }
  /** Opens one document with a fresh provider until it is synced. */
  open: {
    order: Target & { name: string; authors: number[] }
    result: { ms: number; clocks: number[]; length: number }
  }
  /** Brings people into one document, on bare sockets; the first `watchers` of them read what the others say. */
  gather: {
    order: Target & { name: string; people: number; watchers: number }
    result: { people: number }
  }
  /** Has those people move at random, open loop; resolves when the last moves have been seen, or 3 s later. */
  move: {
    order: { perSecond: number; seconds: number; seed: number }
    result: {
      moves: number
      /** From a move to its being seen by a watcher. */
      seen: LatencySummary | null
      /** Last moves of people that some watcher has not seen. */
      unseen: number
      loadCpu: number
    }
  }
  /** Opens idle providers on the names, `perDocument` on each, and leaves them open. */
  hold: {
    order: Target & { names: string[]; perDocument: number }
    result: { providers: number }
  }
}

export interface WriteResult {
  readonly edits: number
  /** Edits that never reached the reader, and that were never acknowledged, within the time. */
  readonly unseen: number
  readonly unacked: number
  readonly peer: LatencySummary | null
  readonly ack: LatencySummary | null
  /** How late the load itself was with its edits. */
  readonly lateness: LatencySummary | null
  /** How much of one core the load process used. */
  readonly loadCpu: number
  /** From the first edit to the last, in ms. */
  readonly ms: number
}

export type JobName = keyof Jobs
export type JobRequest = { [Name in JobName]: { job: Name; order: Jobs[Name]['order'] } }[JobName]
export type JobReply = { ok: true; result: Jobs[JobName]['result'] } | { ok: false; message: string }
