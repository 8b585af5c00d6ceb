import type { Account } from './credentials.ts'
import type { DeviceMemory } from './device-memory.ts'
import { field } from './person.ts'
import { createSession } from './session.ts'

/** Somebody else's edits that are kept on this device and that the server does not have. */
export type LeftBehind = { readonly who: string; readonly count: number }

const key = 'tidemark:accounts'
const mostAccounts = 20

/** Who has signed in on this device, so that whoever comes after them hears of edits that were never saved. */
export class Accounts {
  readonly #memory: DeviceMemory

  constructor(memory: DeviceMemory) {
    this.#memory = memory
  }

  remember(account: Account): void {
    const others = this.#known().filter(({ subject }) => subject !== account.subject)
    this.#memory.write(key, JSON.stringify([account, ...others].slice(0, mostAccounts)))
  }

  nameOf(subject: string | null): string {
    return this.#known().find((account) => account.subject === subject)?.name ?? subject ?? 'somebody'
  }

  /** Asks the copies on this device, whose marks know best: what somebody left may have been sent by a tab of theirs. */
  async leftBehind(exceptFor: string | null): Promise<readonly LeftBehind[]> {
    const others = this.#known().filter(({ subject }) => subject !== exceptFor)
    const left = await Promise.all(
      others.map(async ({ subject }) => ({ who: this.nameOf(subject), count: await unsavedOf(subject) })),
    )
    return left.filter(({ count }) => count > 0)
  }

  #known(): readonly Account[] {
    try {
      const value: unknown = JSON.parse(this.#memory.read(key) ?? '[]')
      return Array.isArray(value) ? value.flatMap((entry) => accountOf(entry) ?? []) : []
    } catch {
      return []
    }
  }
}

function accountOf(value: unknown): Account | null {
  const [subject, name] = [field(value, 'subject'), field(value, 'name')]
  if (typeof subject !== 'string' || subject === '') return null
  return { subject, name: typeof name === 'string' && name !== '' ? name : null }
}

/** Opens nothing and sends nothing: it only counts what is there. */
async function unsavedOf(subject: string): Promise<number> {
  const client = createSession(async () => '', subject)
  const { remaining } = await client.signOut({ flush: false, wipe: 'never' })
  return remaining.reduce((sum, { pendingCount }) => sum + pendingCount, 0)
}
