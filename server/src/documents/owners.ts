import type { Connection } from '@hocuspocus/server'
import * as Y from 'yjs'
import { isFarewell, readEntries } from '../presence/entries.ts'
import type { Claims } from '../sockets/claims.ts'
import type { ConnectionContext } from '../sockets/context.ts'

interface Owner {
  readonly userId: string
  readonly connection: Connection
  /** Whether the session has said what the server lacked, so that nobody else can have more of it. */
  hasAnswered: boolean
}

/** Of one session, a browser with its tabs, and of a document. */
const mostOfSession = 100
const mostOfAll = 20_000

/**
 * Whose the Yjs clients of a document are (S10). What somebody writes as another's client takes the place of what the other
 * writes next: that would count as known, be left out, and be acknowledged. A client belongs to the first user who said to
 * be here as it, if it had written nothing by then: old ones, which others know, are nobody's.
 */
export class Owners {
  readonly #document: Y.Doc
  readonly #of = new Map<number, Owner>()
  readonly #counts = new WeakMap<Connection, number>()

  constructor(document: Y.Doc) {
    this.#document = document
  }

  /**
   * A session has said who is here, also where that is no news.
   * @throws when its message is malformed
   */
  said(connection: Connection, update: Uint8Array): void {
    const userId = (connection.context as ConnectionContext).access?.userId
    if (userId === undefined) return
    for (const entry of readEntries(update)) {
      const { client } = entry
      const count = this.#counts.get(connection) ?? 0
      if (isFarewell(entry) || this.#of.has(client) || Y.getState(this.#document.store, client) > 0) continue
      if (count >= mostOfSession || this.#of.size >= mostOfAll) return
      this.#counts.set(connection, count + 1)
      this.#of.set(client, { userId, connection, hasAnswered: false })
    }
  }

  /** Whether an update brings something as the client of another user. */
  isForged({ ends }: Pick<Claims, 'ends'>, userId: string): boolean {
    if (this.#of.size === 0) return false
    for (const [client, end] of ends) {
      const owner = this.#of.get(client)
      if (!owner || owner.userId === userId || end <= Y.getState(this.#document.store, client)) continue
      owner.hasAnswered ||= hasAnswered(owner.connection)
      if (owner.hasAnswered) return true
    }
    return false
  }
}

function hasAnswered({ context, messageAddress }: Connection): boolean {
  return (context as ConnectionContext).gate.sessions.get(messageAddress)?.hasAnswered === true
}
