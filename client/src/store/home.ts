import type { Belongings } from '../account/account.ts'
import { keyOf, sharedNamespace } from '../account/names.ts'
import { ClaimedStores } from './claimed-stores.ts'
import type { LocalStores } from './local-store.ts'
import { MemoryStores } from './memory-stores.ts'

/** All places where one client keeps copies. */
export interface Home {
  readonly namespace: string
  readonly stores: LocalStores
  /** What it has in the namespace that all accounts shared; null where that is its own. */
  readonly claimed: ClaimedStores | null
  readonly memory: LocalStores
  /** Nobody opens a document there: what is set aside must not meet what is in memory now. */
  readonly aside: LocalStores
  readonly isOurs: (account: string) => boolean
  /** Each of them once. */
  readonly all: readonly LocalStores[]
}

export function homeOf({ namespace, account }: Belongings, storesIn: (namespace: string) => LocalStores): Home {
  const stores = storesIn(namespace)
  const isOurs = (subject: string) => account === null || keyOf(subject) === account
  const claimed = account === null ? null : new ClaimedStores(storesIn(sharedNamespace), isOurs)
  // under another name: a copy in memory must not be taken for the one on the disk
  const memory = stores.kind === 'memory' ? stores : new MemoryStores(`${namespace}/memory`)
  const aside = new MemoryStores(`${namespace}/aside`)
  const all = [...new Set([stores, ...(claimed ? [claimed] : []), memory, aside])]
  return { namespace, stores, claimed, memory, aside, isOurs, all }
}
