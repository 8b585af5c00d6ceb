import type { Connection, Document } from '@hocuspocus/server'
import { isTransactionOrigin } from '@hocuspocus/server'
import { removeAwarenessStates } from 'y-protocols/awareness'
import type { ConnectionContext } from '../sockets/context.ts'

interface AwarenessChange {
  added: number[]
  updated: number[]
  removed: number[]
}

/** Which session brought the presence of a Yjs client last. */
const bringers = new WeakMap<Document, Map<number, Connection>>()

/**
 * Ties awareness states to the session that brought them, so that they go when it goes (C5).
 * Hocuspocus ties only those that are new to the document: somebody who reconnects is known already, counts as updated,
 * and would stay as a ghost for 30 s after leaving.
 */
export function tiePresenceToSessions(document: Document): void {
  const broughtBy = new Map<number, Connection>()
  bringers.set(document, broughtBy)
  document.awareness.on('update', ({ added, updated, removed }: AwarenessChange, origin: unknown) => {
    for (const client of removed) broughtBy.delete(client)
    if (!isTransactionOrigin(origin) || origin.source !== 'connection') return
    const clients = document.connections.get(origin.connection)?.clients
    if (!clients) return
    for (const client of [...added, ...updated]) {
      broughtBy.set(client, origin.connection)
      if (clients.has(client)) continue
      // It has moved here: another tab leads its browser now, or its line broke and the old one is not known to be
      // dead yet. When that one goes it must not take along somebody who is here.
      for (const session of document.connections.values()) session.clients.delete(client)
      clients.add(client)
    }
  })
}

/** Takes out of what a session says whatever it says of somebody who is here in another user's session (S7). */
export function leaveOutOthers(document: Document, connection: Connection, states: Map<number, unknown>): void {
  const broughtBy = bringers.get(document)
  for (const client of states.keys()) {
    const bringer = broughtBy?.get(client)
    if (!bringer || bringer === connection || !document.connections.has(bringer)) continue
    if (userOf(bringer) !== userOf(connection)) states.delete(client)
  }
}

const userOf = ({ context }: Connection): string | null => (context as ConnectionContext).access?.userId ?? null

/** Somebody says goodbye without closing; Hocuspocus drops such messages. Only a session's own people can leave by it. */
export function depart(document: Document, connection: Connection, clients: readonly number[]): void {
  const own = document.connections.get(connection)?.clients
  const leaving = clients.filter((client) => own?.has(client))
  if (leaving.length > 0) removeAwarenessStates(document.awareness, leaving, { source: 'connection', connection })
}
