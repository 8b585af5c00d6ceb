import type { Hello } from '../link/contract.ts'
import { pendingCount } from '../status/positions.ts'
import type { History } from '../store/local-store.ts'
import type { SyncParts } from './parts.ts'

type Parts = Pick<SyncParts, 'target' | 'standing' | 'copy' | 'tabs'>

/** What is noted beside the copy: of which history it is (R9), and which edits the server has not acknowledged. */
export class CopyNotes {
  readonly #parts: Parts
  #history: History | null = null
  #hello: Hello | null = null
  /** What of each opening's dirty mark was taken back. */
  readonly #unmarked = new Map<string, number>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get history(): History | null {
    return this.#history
  }

  /** The disk or the leader says it; null when it knows of none. */
  learnt(history: History | null): void {
    this.#history = history ?? this.#history
  }

  /** Another opening has noted it since: what this one reads from the copy is of it (R9). */
  found(history: History | null): void {
    this.#history ??= history
  }

  greeted(hello: Hello): void {
    this.#hello = hello
    // Before any content of this history is stored, so that the copy is never without its epoch (R9).
    // A document that nobody has written to has none yet.
    if (hello.epoch !== undefined) this.#remember({ epoch: hello.epoch, revision: this.#history?.revision ?? 0 })
  }

  acknowledged(at: number): void {
    const { standing } = this.#parts
    const before = standing.situation.positions
    standing.happened({ type: 'acknowledged', at }, () => {
      const { refused, handshaken } = standing.situation.positions
      if (refused) return
      this.acknowledgeStored()
      const isFirst = handshaken && !before.handshaken
      if (isFirst && this.#hello?.epoch !== undefined) {
        this.#remember({ epoch: this.#hello.epoch, revision: this.#hello.revision })
      }
    })
  }

  /** Takes back the marks of what is durable now: each tab its own, and the leader those of tabs that are gone. */
  acknowledgeStored(): void {
    const { target, standing, copy, tabs } = this.#parts
    if (pendingCount(standing.situation.positions) === 0) copy.saved()
    const { acknowledged } = standing.situation.positions
    const { isLeader } = tabs
    const due = new Map<string, number>()
    for (const [opening, position] of acknowledged) {
      const isMine = opening === target.opening || (isLeader && !tabs.has(opening))
      if (isMine && position > (this.#unmarked.get(opening) ?? 0)) due.set(opening, position)
    }
    if (due.size === 0) return
    for (const [opening, position] of due) this.#unmarked.set(opening, position)
    void copy.acknowledge(due)
  }

  #remember(history: History): void {
    this.#history = history
    void this.#parts.copy.remember(history)
  }
}
