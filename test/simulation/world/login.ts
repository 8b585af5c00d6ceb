import type { TidemarkClient } from '@tidemark/client'
import { encryptedStores } from '@tidemark/client/encryption'
import type { Device, Tab } from '@tidemark/client/testing'
import type { Account, Accounts } from './accounts.ts'
import { fakeKey } from './browser.ts'
import { Coverage } from './coverage.ts'
import type { DocumentName } from './steps.ts'

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
  /** The person has said that everything on the device is to be deleted. */
  isThrowingAway = false
  /** What the server has sent it, also for documents that it opens by itself to catch up. */
  readonly #received = new Map<string, Coverage>()

  constructor(place: { device: Device; tab: Tab }, account: Account, accounts: Accounts, habits: Habits) {
    this.device = place.device
    this.tab = place.tab
    this.account = account
    const { isEncrypted, isForgetful, isPatient } = habits
    this.client = this.tab.createClient({
      disk: 'browser',
      // one for both accounts: what keeps them apart is the marks of their edits
      namespace: 'tidemark',
      auth: () => {
        this.hasToken = true
        return accounts.tokenOf(account)
      },
      ...(isEncrypted ? { localStores: encryptedStores({ keys: { current: fakeKey } }) } : {}),
      ...(isForgetful ? { cache: { maxAge: 1, maxBytes: 0 } } : {}),
      ...(isPatient ? { longOffline: Number.POSITIVE_INFINITY } : {}),
    })
    this.client.on('opened', ({ name, doc }) => {
      doc.on('update', (update: Uint8Array, origin: unknown) => {
        if (!isFromServer(origin)) return
        this.#received.set(name, (this.#received.get(name) ?? new Coverage()).add(update))
      })
    })
  }

  hasReceived(name: DocumentName, units: readonly string[]): boolean {
    return this.#received.get(name)?.holds(units) ?? false
  }
}

/** What the server sends comes through the link; everything else is this device's. */
export function isFromServer(origin: unknown): boolean {
  return (origin as { constructor?: { name?: string } } | null)?.constructor?.name === 'DocumentProvider'
}
