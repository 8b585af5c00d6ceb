import type { Document } from '@hocuspocus/server'
import type { Access } from '../auth/access.ts'
import type { ConnectionContext } from './context.ts'
import type { Session } from './session.ts'

/** Someone who has a document open. */
export interface LiveSession {
  userId: string
  userName: string | null
  level: Access['level']
  /** Unix time in ms. */
  since: number
}

export function liveSessionsOf(document: Document): LiveSession[] {
  return document
    .getConnections()
    .map((connection) => (connection.context as ConnectionContext).gate.sessions.get(connection.messageAddress))
    .filter((session): session is Session & { access: Access } => session?.access != null)
    .map(({ access, openedAt }) => ({
      userId: access.userId,
      userName: access.userName,
      level: access.level,
      since: openedAt,
    }))
}
