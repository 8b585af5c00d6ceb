import type { ErrorCode } from '@tidemark/shared'
import type { Weight } from '../documents/weight.ts'
import type { Claims } from './claims.ts'

/**
 * The edits of a session that were refused (R5.9). What its writer makes next stands on them: Yjs would keep it aside for
 * want of predecessors, and it would be acknowledged although nobody sees it. So it is refused as well, until the writer
 * sends again what was refused.
 */
export class Refusals {
  /** For each Yjs client, where the first refused edit begins. */
  readonly #from = new Map<number, { clock: number; code: ErrorCode }>()
  #needs: Weight = { bytes: 0, heap: 0 }

  get isEmpty(): boolean {
    return this.#from.size === 0
  }

  /** What waits for room in the document. */
  get withoutRoom(): Readonly<Weight> {
    return this.#needs
  }

  /** @param needs what it needs of the document's size, if it was refused for that */
  note({ begins }: Claims, code: ErrorCode, needs: Weight = { bytes: 0, heap: 0 }): void {
    this.#needs = { bytes: this.#needs.bytes + needs.bytes, heap: this.#needs.heap + needs.heap }
    for (const [client, clock] of begins) {
      const earlier = this.#from.get(client)
      if (!earlier || clock <= earlier.clock) this.#from.set(client, { clock, code })
    }
  }

  /** Why an edit cannot be taken before an earlier one; null when it can. */
  blocking({ begins }: Claims): ErrorCode | null {
    for (const [client, clock] of begins) {
      const earlier = this.#from.get(client)
      if (earlier && clock > earlier.clock) return earlier.code
    }
    return null
  }

  /** An edit was let through: what it carries is refused no longer. */
  passed({ ends }: Claims): void {
    if (this.isEmpty) return
    for (const [client, { clock }] of this.#from) if ((ends.get(client) ?? 0) > clock) this.#from.delete(client)
    if (this.isEmpty) this.#needs = { bytes: 0, heap: 0 }
  }

  /** Whether the writer has taken back a part of what was refused: sent again, it is smaller. */
  isTakenBackBy({ deletions }: Claims): boolean {
    for (const [client, { clock }] of this.#from) {
      for (const range of deletions.clients.get(client) ?? []) if (range.clock + range.len > clock) return true
    }
    return false
  }
}
