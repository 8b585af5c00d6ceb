import { TidemarkError } from '@tidemark/shared'
import { subjectOf } from '../auth/jwt.ts'
import { pendingCount } from '../status/positions.ts'
import type { SyncParts } from './parts.ts'

/** ms between two looks whether another account's edits are saved. */
const ownerPatience = 5_000

type Parts = Pick<SyncParts, 'means' | 'standing' | 'life' | 'ownership' | 'link' | 'membership' | 'diskNews'>

/** Lets a session begin only with a token of the account whose edits it would send (D3.6). */
export class AccountGate {
  readonly #parts: Parts
  #cancelWatch: (() => void) | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async admit(token: string): Promise<void> {
    const { life, ownership, membership, diskNews } = this.#parts
    const facts = await diskNews.look()
    if (life.isOver) throw new TidemarkError('document-closed')
    const account = subjectOf(token)
    // where a token does not say whose it is, nothing tells two accounts apart
    if (account === null) return
    if (!ownership.admits(account, facts, this.#pending)) throw new TidemarkError('account-mismatch')
    ownership.admitted(account)
    if (membership.moveIfNeeded(account)) throw new TidemarkError('document-closed')
  }

  /** What another account has pending may be saved by its own tabs; then this one can go on. */
  watchOwner(): void {
    const { means, standing, life, ownership, link, diskNews } = this.#parts
    this.#cancelWatch ??= means.settings.clock.after(ownerPatience, async () => {
      this.#cancelWatch = null
      const facts = await diskNews.look()
      const { subject } = means.tokens
      if (life.isOver || standing.situation.obstacle?.code !== 'account-mismatch') return
      if (subject === null || ownership.admits(subject, facts, this.#pending)) link.retry()
      else this.watchOwner()
    })
  }

  stopWatching(): void {
    this.#cancelWatch?.()
    this.#cancelWatch = null
  }

  get #pending() {
    const { positions } = this.#parts.standing.situation
    return { count: pendingCount(positions), made: positions.made }
  }
}
