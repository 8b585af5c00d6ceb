import { createClient, type SignOutResult, type TidemarkClient, type TidemarkDocument } from '@tidemark/client'
import { createStore, emitDomEvents, type KeyValueStore, type Validate } from '@tidemark/client/store'

/** The app's rules: what may be stored under which key. */
const validate: Validate = (key, value) => {
  if (key === 'profile') {
    const { name } = (value ?? {}) as { name?: unknown }
    if (typeof name !== 'string' || name.trim() === '') throw new Error('A profile needs a name.')
  }
  if (key === 'products' && value !== undefined) {
    const isProduct = (product: unknown) => typeof (product as { kcal?: unknown } | null)?.kcal === 'number'
    if (!Array.isArray(value) || !value.every(isProduct)) return 'Each product needs its kcal.'
  }
  if (key.startsWith('weight/') && value !== undefined && !(Number(value) > 20 && Number(value) < 400)) {
    return 'A weight is between 20 and 400 kg.'
  }
  return undefined
}

/**
 * The diary of one of the curator's clients, in a namespace of its own: nothing of it is seen, sent or deleted with
 * another's (H9).
 */
export class Diary {
  readonly person: string
  readonly client: TidemarkClient
  readonly document: TidemarkDocument
  readonly store: KeyValueStore
  readonly #stopEvents: () => void

  constructor(person: string, server: string) {
    this.person = person
    this.client = createClient({
      url: server,
      auth: async () => (await fetch('/token', { cache: 'no-store' })).text(),
      namespace: `heys:${person}`,
      log: () => {},
    })
    this.#stopEvents = emitDomEvents(this.client, { prefix: 'heys' })
    this.document = this.client.open(`clients/${person}/diary`)
    this.store = createStore(this.document, { validate })
  }

  /** Goes to another client's diary; this one's stays on the device, what is pending included. */
  async leave(): Promise<void> {
    this.#stopEvents()
    await this.client.close()
  }

  async signOut(): Promise<SignOutResult> {
    const result = await this.client.signOut()
    this.#stopEvents()
    return result
  }

  async deleteLeftovers(): Promise<SignOutResult> {
    return this.client.signOut({ flush: false, wipe: 'always' })
  }
}
