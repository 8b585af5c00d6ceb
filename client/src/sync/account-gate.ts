import { TidemarkError } from '@tidemark/shared'
import { subjectOf } from '../auth/jwt.ts'
import { pendingCount } from '../status/positions.ts'
import { isOwned } from '../store/dirty-mark.ts'
import type { CopyFacts } from '../store/local-store.ts'
import type { SyncParts } from './parts.ts'

/** ms between two looks whether another account's edits are saved. */
const ownerPatience = 5_000

const notThisAccounts =
  'This page has opened what another account keeps on this device. Nothing of it was sent; reload the page to open your own, or sign in as its owner.'

type Parts = Pick<SyncParts, 'means' | 'standing' | 'life' | 'ownership' | 'link' | 'membership' | 'diskNews'>

/** Lets a session begin only with a token of the account whose edits it would send (D3.6). */
export class AccountGate {
  readonly #parts: Parts
  #cancelWatch: (() => void) | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async admit(token: string): Promise<void> {
    const { means, life, ownership, membership, diskNews } = this.#parts
    const facts = await diskNews.look()
    if (life.isOver) throw new TidemarkError('document-closed')
    const account = subjectOf(token)
    // nothing that is in an account's own namespace, pending or not, is shown or sent to another (D3.9)
    if (!means.account.admits(account)) throw new TidemarkError('account-mismatch', notThisAccounts)
    // where a token does not say whose it is, nothing tells two accounts apart
    if (account === null) return
    if (this.#isOthers(account, facts)) throw new TidemarkError('account-mismatch', notThisAccounts)
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
      const isOwner =
        subject === null || (!this.#isOthers(subject, facts) && ownership.admits(subject, facts, this.#pending))
      if (isOwner && !means.account.isForeign) link.retry()
      else this.watchOwner()
    })
  }

  /** It was opened in the common namespace because nobody was known yet, and is somebody else's (D3.9). */
  #isOthers(account: string, facts: CopyFacts | null): boolean {
    if (!facts || !this.#parts.means.account.isShared) return false
    return !isOwned(facts.marks.values(), facts.account, (owner) => owner === account)
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
