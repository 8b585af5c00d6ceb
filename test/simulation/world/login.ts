import type { TidemarkClient } from '@tidemark/client'
import { encryptedStores } from '@tidemark/client/encryption'
import type { Device, Tab } from '@tidemark/client/testing'
import type { Account, Accounts } from './accounts.ts'
import { fakeKey } from './browser.ts'

/** What is the same for all clients of one life. */
export interface Habits {
  readonly isEncrypted: boolean
  /** Copies are evicted as soon as they may be. */
  readonly isForgetful: boolean
  readonly isPatient: boolean
}

/** One client in a tab, on behalf of one account. */
export class Login {
  readonly device: Device
  readonly tab: Tab
  readonly account: Account
  readonly client: TidemarkClient
  isOver = false
  /** Its client has asked for a token: from then on it knows whose edits are made. */
  hasToken = false

  constructor(place: { device: Device; tab: Tab }, account: Account, accounts: Accounts, habits: Habits) {
    this.device = place.device
    this.tab = place.tab
    this.account = account
    const { isEncrypted, isForgetful, isPatient } = habits
    this.client = this.tab.createClient({
      disk: 'browser',
      auth: () => {
        this.hasToken = true
        return accounts.tokenOf(account)
      },
      ...(isEncrypted ? { localStores: encryptedStores({ keys: { current: fakeKey } }) } : {}),
      ...(isForgetful ? { cache: { maxAge: 1, maxBytes: 0 } } : {}),
      ...(isPatient ? { longOffline: Number.POSITIVE_INFINITY } : {}),
    })
  }
}
