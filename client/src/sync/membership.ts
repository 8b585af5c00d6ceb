import { pendingCount } from '../status/positions.ts'
import type { Situation } from '../status/status.ts'
import { ownPosition } from '../status/status.ts'
import { type Farewell, sayFarewell } from '../tabs/farewell.ts'
import type { Meeting } from '../tabs/messages.ts'
import type { SyncParts } from './parts.ts'

type Parts = Pick<SyncParts, 'means' | 'standing' | 'life' | 'ownership' | 'tabs' | 'link' | 'diskNews' | 'accountGate'>

/** When this opening is among its browser's tabs, and as whom. */
export class Membership {
  readonly #parts: Parts
  /** The account as which this tab meets the others; null while no token has said whose it is. */
  #joinedAs: string | null = null
  /** It keeps away from its account's tabs until another account's edits are saved. */
  #isApart = false
  #joining = 0
  #sharedCopy: string | null = null
  /** The person has disconnected this document. */
  #isOff = false
  #hasJoined = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @param copy that all tabs share; null when this one has a copy of its own */
  loaded(copy: string | null): void {
    this.#sharedCopy = copy
  }

  /** What it had with the others is deleted: it could not store what they are brought, nor are they to have what was in it. */
  lostCopy(): void {
    this.#sharedCopy = null
    const isLoading = this.#joining === 0
    if (isLoading || this.#isAway) return
    this.part()
    void this.join()
  }

  /** Settles when the role of this tab is known. */
  async join(): Promise<void> {
    const self = this.#parts.means.account
    if (this.#isAway) return
    const joining = ++this.#joining
    const whose = self.whose()
    // what is not known soon must not keep the tabs apart
    const account = this.#sharedCopy === null ? self.subject : await self.whoseSoon()
    if (this.#isAway || joining !== this.#joining) return
    void whose.then((late) => {
      if (late !== null && this.#joinedAs === null && joining === this.#joining) this.#moveTo(late)
    })
    await this.#joinAs(account)
  }

  /** Tabs of different accounts do not mix (D3.6): each account has a leader of its own. */
  async #joinAs(account: string | null, isAdmitted = false): Promise<void> {
    const { ownership, tabs, diskNews } = this.#parts
    this.#joinedAs = account
    this.#hasJoined = true
    ownership.known(account)
    this.#isApart = account !== null && !isAdmitted && !this.#mayMeet(account)
    const joined = tabs.join(this.#isApart ? null : this.#meetingAs(account))
    // From here on this tab hears the others; what they said before, the disk says again. Its role may be long in coming.
    void diskNews.look()
    await joined
  }

  /**
   * What this opening loaded may be another account's, and pending. Its own account's tabs would take that over in the
   * comparison, and their leader, whose session is running, would send it.
   */
  #mayMeet(account: string): boolean {
    const { ownership, standing } = this.#parts
    const { positions } = standing.situation
    return ownership.admits(account, null, { count: pendingCount(positions), made: positions.made })
  }

  #meetingAs(account: string | null): Meeting | null {
    const copy = this.#sharedCopy
    return copy === null ? null : { server: this.#parts.means.settings.url, account, copy }
  }

  /** @returns whether it is not among this account's tabs yet, and goes there now that it may */
  moveIfNeeded(account: string): boolean {
    if (this.#isAmong(account) || this.#sharedCopy === null) return false
    this.#moveTo(account, true)
    return true
  }

  #moveTo(account: string, isAdmitted = false): void {
    if (this.#isAway || this.#isAmong(account)) return
    this.part()
    void this.#joinAs(account, isAdmitted)
  }

  #isAmong(account: string): boolean {
    return this.#joinedAs === account && !this.#isApart
  }

  get #isAway(): boolean {
    return this.#isOff || this.#parts.life.isOver
  }

  connect(): void {
    if (!this.#isOff || this.#parts.life.isOver) return
    this.#isOff = false
    void this.join()
  }

  disconnect(): void {
    if (this.#isAway) return
    this.#isOff = true
    this.#joining++
    this.part()
    this.#parts.standing.happened({ type: 'parted' })
  }

  part(): void {
    this.#parts.accountGate.stopWatching()
    this.#parts.tabs.leave()
    this.#parts.link.stop()
  }

  /** The others have not heard of edits that were made before this tab could join them, or since it has left. */
  sayFarewell(situation: Situation): void {
    if ((!this.#hasJoined || this.#isOff) && ownPosition(situation) > 0) this.#tellAll('stored')
  }

  /** Those that this tab does not meet have the copy open, too: it is disconnected, or they are another account's. */
  saySetAside(): void {
    this.#tellAll('set-aside')
  }

  #tellAll(what: Farewell): void {
    const { tabs, url } = this.#parts.means.settings
    const copy = this.#sharedCopy
    if (copy !== null) sayFarewell(tabs, { server: url, copy }, what)
  }
}
