import { messageType, syncType } from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'

/** A range of a Yjs client's edits: `from` inclusive, `to` exclusive. */
interface Range {
  from: number
  to: number
}

/**
 * What was acknowledged, exactly: on each socket the n-th `SyncStatus` answers the n-th sync message that wrote
 * (SyncStep2 or Update), and each of those says which of the author's edits it carries.
 */
export class Ledger {
  readonly #client: number
  readonly #acknowledged = new Set<number>()
  /** When each acknowledgement came (`performance.now()`), in order. */
  readonly ackTimes: number[] = []
  /** What the protocol forbids and the server did. */
  readonly violations: string[] = []
  refusals = 0

  constructor(client: number) {
    this.#client = client
  }

  /** Edit n of the author is the one at Yjs clock n. */
  get acknowledged(): ReadonlySet<number> {
    return this.#acknowledged
  }

  socket(): SocketLedger {
    const waiting: Range[][] = []
    return {
      sent: (frame) => {
        const update = updateIn(frame)
        if (update) waiting.push(rangesOf(update, this.#client))
      },
      received: (frame) => {
        const status = syncStatus(frame)
        if (status === null) return
        const ranges = waiting.shift()
        if (!ranges) this.violations.push('a SyncStatus answered nothing that was written')
        else if (status) this.#acknowledge(ranges)
        else this.refusals += 1
      },
    }
  }

  #acknowledge(ranges: Range[]): void {
    this.ackTimes.push(performance.now())
    for (const { from, to } of ranges) for (let edit = from; edit < to; edit += 1) this.#acknowledged.add(edit)
  }
}

export interface SocketLedger {
  sent(frame: Uint8Array): void
  received(frame: Uint8Array): void
}

/** What a client's frame writes; null when it writes nothing. */
export function updateIn(frame: Uint8Array): Uint8Array | null {
  const decoder = decoding.createDecoder(frame)
  decoding.readVarString(decoder)
  if (decoding.readVarUint(decoder) !== messageType.sync) return null
  const kind = decoding.readVarUint(decoder)
  if (kind !== syncType.step2 && kind !== syncType.update) return null
  return decoding.readVarUint8Array(decoder)
}

function rangesOf(update: Uint8Array, client: number): Range[] {
  return Y.decodeUpdate(update)
    .structs.filter((struct) => struct.id.client === client && !(struct instanceof Y.Skip))
    .map((struct) => ({ from: struct.id.clock, to: struct.id.clock + struct.length }))
}

/** Whether a server's frame says that something is saved; null when it says nothing of that. */
export function syncStatus(frame: Uint8Array): boolean | null {
  if (frame.length === 1) return null
  const decoder = decoding.createDecoder(frame)
  decoding.readVarString(decoder)
  if (decoding.readVarUint(decoder) !== messageType.syncStatus) return null
  return decoding.readVarInt(decoder) === 1
}
