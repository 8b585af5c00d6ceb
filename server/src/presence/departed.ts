/** Somebody who was here: under whose account, and up to which clock they have spoken. */
export interface Departed {
  readonly userId: string | null
  readonly clock: number
  /** Unix time in ms. */
  readonly since: number
}

/** How long it is remembered whose a Yjs client was, in ms: far longer than a line is broken. */
const rememberedMs = 60 * 60 * 1000
/** How many of one user, so that nobody pushes the others out; and of all. */
const mostOfOneUser = 500
const mostOfAll = 20_000

/**
 * Those who have left a document (S7): what comes late does not bring them back, and nobody else takes their place while they
 * are away. `y-protocols` remembers everyone for as long as the document is open.
 */
export class DepartedPeople {
  readonly #people = new Map<number, Departed>()
  /** In the order in which they left. */
  readonly #ofUser = new Map<string | null, Set<number>>()

  get size(): number {
    return this.#people.size
  }

  get(client: number, now: number): Departed | null {
    const person = this.#people.get(client)
    if (!person) return null
    if (now - person.since <= rememberedMs) return person
    this.forget(client)
    return null
  }

  note(client: number, person: Departed): void {
    this.forget(client)
    this.#people.set(client, person)
    let clients = this.#ofUser.get(person.userId)
    if (!clients) this.#ofUser.set(person.userId, (clients = new Set()))
    clients.add(client)
    if (clients.size > mostOfOneUser) this.#forgetFirst(clients)
    if (this.#people.size > mostOfAll) this.#forgetFirst(this.#people.keys())
  }

  #forgetFirst(clients: Iterable<number>): void {
    for (const client of clients) {
      this.forget(client)
      return
    }
  }

  forget(client: number): void {
    const person = this.#people.get(client)
    if (!person) return
    this.#people.delete(client)
    const clients = this.#ofUser.get(person.userId)
    clients?.delete(client)
    if (clients?.size === 0) this.#ofUser.delete(person.userId)
  }
}
