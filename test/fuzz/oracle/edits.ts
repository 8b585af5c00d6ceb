import * as Y from 'yjs'
import { type SocketLedger, syncStatus, updateIn } from '../../helpers/ledger.ts'

/** One struct that an honest person's client made. */
interface Edit {
  readonly client: number
  readonly clock: number
  /** What stands at each of its clocks. */
  readonly contents: readonly unknown[]
  /** Whether the server said that it is saved. */
  isAcknowledged: boolean
}

/** What an honest person made, and what of it the server called saved: read off the wire, answer by answer. */
export class Edits {
  readonly all: Edit[] = []
  /** How many writes were refused. */
  refusals = 0
  /** What the protocol forbids and the server did. */
  readonly violations: string[] = []
  /** How long each acknowledgement took, in ms. */
  readonly waits: number[] = []
  readonly #now: () => number

  constructor(doc: Y.Doc, now: () => number) {
    this.#now = now
    doc.on('update', (update: Uint8Array, _origin: unknown, _doc: unknown, { local }: Y.Transaction) => {
      if (!local) return
      for (const struct of Y.decodeUpdate(update).structs) {
        if (!(struct instanceof Y.Item)) continue
        const { id, content } = struct
        this.all.push({ ...id, contents: content.getContent(), isAcknowledged: false })
      }
    })
  }

  /** Every Yjs client that this person ever was. */
  get clients(): Set<number> {
    return new Set(this.all.map(({ client }) => client))
  }

  get acknowledged(): number {
    return this.all.filter(({ isAcknowledged }) => isAcknowledged).length
  }

  socket(): SocketLedger {
    const waiting: { update: Uint8Array; at: number }[] = []
    return {
      sent: (frame) => {
        const update = updateIn(frame)
        if (update) waiting.push({ update, at: this.#now() })
      },
      received: (frame) => {
        const status = syncStatus(frame)
        if (status === null) return
        const write = waiting.shift()
        if (!write) this.violations.push('a SyncStatus answered nothing that was written')
        else if (status) this.#acknowledge(write.update, this.#now() - write.at)
        else this.refusals += 1
      },
    }
  }

  /** Somebody was told that all is saved. */
  acknowledgeAll(): void {
    for (const edit of this.all) edit.isAcknowledged = true
  }

  #acknowledge(update: Uint8Array, wait: number): void {
    this.waits.push(wait)
    const { structs } = Y.decodeUpdate(update)
    for (const edit of this.all) {
      if (edit.isAcknowledged) continue
      const end = edit.clock + edit.contents.length
      // in one piece, as it was made; merged with others it is larger
      edit.isAcknowledged = structs.some(
        ({ id, length }) => id.client === edit.client && id.clock <= edit.clock && end <= id.clock + length,
      )
    }
  }

  /** What was called saved and is not in a document that was loaded from what is stored. */
  *missingIn(stored: Y.Doc): Generator<string> {
    for (const { client, clock, contents, isAcknowledged } of this.all) {
      if (!isAcknowledged) continue
      for (const [offset, content] of contents.entries()) {
        const at = clock + offset
        if (Y.getState(stored.store, client) <= at) yield `${client}:${at} is gone`
        else if (isOther(stored, client, at, content)) yield `${client}:${at} holds something else`
      }
    }
  }
}

function isOther({ store }: Y.Doc, client: number, clock: number, expected: unknown): boolean {
  const structs = store.clients.get(client) as (Y.Item | Y.GC)[]
  const struct = structs[Y.findIndexSS(structs, clock)]
  // deleted, which anybody may do who writes; whether its author knows shows when documents are compared
  if (!(struct instanceof Y.Item) || struct.deleted) return false
  return JSON.stringify(struct.content.getContent()[clock - struct.id.clock]) !== JSON.stringify(expected)
}
