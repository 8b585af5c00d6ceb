import type {
  beforeHandleMessagePayload,
  Connection,
  connectedPayload,
  Extension,
  onAuthenticatePayload,
  onTokenSyncPayload,
} from '@hocuspocus/server'
import { type Clock, decodeAuthField, protocolVersion, TidemarkError } from '@tidemark/shared'
import type { Access, Authoriser } from '../auth/access.ts'
import type { Revocations } from '../auth/revocations.ts'
import type { Documents } from '../documents/documents.ts'
import { Refusal } from '../documents/refusal.ts'
import type { Share } from '../fairness/share.ts'
import type { ConnectionContext } from './context.ts'
import type { Gate } from './gate.ts'
import type { Session } from './session.ts'

/** A fresh token is asked for this long before the old one runs out, or at half its life if that is shorter, in ms. */
const renewalLeadMs = 30_000
export interface AuthenticationParts {
  authoriser: Authoriser
  revocations: Pick<Revocations, 'check'>
  documents: Documents
  clock: Clock
  version: string
  /** The largest message that a client may send. */
  messageBytes: number
  isStorageAvailable(documentName: string): boolean
  /** What a user takes of the server; null where users are not told apart. */
  shareOf(userId: string): Share | null
  onFailure(failure: { error: TidemarkError; documentName: string; sessionId: string; attempt: 'open' }): void
}

/** Who may do what with a session: decided when it opens, again for each fresh token, and ended when a token runs out. */
export function authentication(parts: AuthenticationParts): Extension<ConnectionContext> {
  const { authoriser, documents, clock } = parts

  // readers were told of no epoch
  documents.events.on('begun', ({ document }) => {
    for (const { context, messageAddress } of document.getConnections()) {
      const { gate } = context as ConnectionContext
      const session = gate.sessions.get(messageAddress)
      if (session) greet(gate, session)
    }
  })

  async function open({
    token: field,
    documentName,
    context,
    connectionConfig,
  }: onAuthenticatePayload<ConnectionContext>): Promise<{ access: Access }> {
    try {
      const session = sessionOf(context.gate, documentName, field)
      const envelope = readField(field)
      session.isTidemark = envelope.protocol > 0
      const access = await authoriser.authorise(envelope.token, documentName)
      if (envelope.epoch !== undefined) await checkEpoch(documentName, envelope.epoch)
      // what was revoked while the database was asked has met no session to end
      parts.revocations.check(access)
      connectionConfig.readOnly = access.level === 'read'
      context.gate.admit(session, access, parts.shareOf(access.userId))
      return { access }
    } catch (cause) {
      const error = asTidemarkError(cause)
      parts.onFailure({ error, documentName, sessionId: context.gate.id, attempt: 'open' })
      throw new Refusal(error)
    }
  }

  /** Two sessions of one document may be authenticating at once; the very same token field makes them equal. */
  function sessionOf(gate: Gate, documentName: string, field: string): Session {
    for (const session of gate.sessions.values()) {
      if (session.documentName === documentName && session.tokenField === field) return session
    }
    throw new TidemarkError('connection-lost', 'the session was closed before it was authenticated')
  }

  async function checkEpoch(documentName: string, held: string): Promise<void> {
    let epoch: string | null
    try {
      epoch = await documents.epochOf(documentName)
    } catch (cause) {
      throw new TidemarkError('storage-unavailable', undefined, { cause })
    }
    if (epoch !== held) throw new TidemarkError('epoch-mismatch')
  }

  async function connected({ connection, context }: connectedPayload<ConnectionContext>): Promise<void> {
    const session = context.gate.sessions.get(connection.messageAddress)
    const line = documents.get(connection.document.name)?.line
    if (!session?.access || !line) return
    spareHooks(connection, context.gate)
    if (session.over) return context.gate.open(session, connection)
    greet(context.gate, session)
    if (!parts.isStorageAvailable(session.documentName)) context.gate.tellError(session, 'storage-unavailable')
    watchExpiry(context.gate, session)
    context.gate.open(session, connection)
  }

  function greet(gate: Gate, session: Session): void {
    const line = documents.get(session.documentName)?.line
    if (!session.isTidemark || !session.access || !line) return
    const { level, expiresAt } = session.access
    gate.tell(session, {
      tidemark: 'hello',
      protocol: protocolVersion,
      ...(line.isStored ? { epoch: line.epoch } : {}),
      revision: line.revision,
      level,
      ...(expiresAt === null ? {} : { expiresAt }),
      messageBytes: parts.messageBytes,
      serverVersion: parts.version,
    })
  }

  function watchExpiry(gate: Gate, session: Session): void {
    session.cancelExpiry?.()
    session.cancelExpiry = null
    const expiresAt = session.access?.expiresAt
    if (expiresAt == null) return
    const left = expiresAt - clock.now()
    const ask = Math.max(0, left - Math.min(renewalLeadMs, left / 2))
    session.cancelExpiry = clock.after(ask, () => {
      if (expiresAt - clock.now() > renewalLeadMs * 2) {
        watchExpiry(gate, session)
        return
      }
      session.connection?.requestToken()
      const remaining = Math.max(0, expiresAt - clock.now())
      session.cancelExpiry = clock.after(remaining, () => gate.end(session, new TidemarkError('token-expired')))
    })
  }

  async function renew({
    token: field,
    documentName,
    connection,
    context,
  }: onTokenSyncPayload<ConnectionContext>): Promise<void> {
    const session = context.gate.sessions.get(connection.messageAddress)
    if (!session) return
    try {
      const access = await authoriser.authorise(readField(field).token, documentName)
      if (session.access && access.userId !== session.access.userId) {
        throw new TidemarkError(
          'token-invalid',
          'A fresh token must be of the same person; open a new connection instead.',
        )
      }
      await documents.come(documentName, access.level !== 'read')
      parts.revocations.check(access)
      context.gate.renew(session, access)
      connection.readOnly = access.level === 'read'
      greet(context.gate, session)
      watchExpiry(context.gate, session)
    } catch (cause) {
      context.gate.end(session, asTidemarkError(cause))
    }
  }

  /** For what came in while the document was being opened. */
  const beforeHandleMessage = ({ connection, update }: beforeHandleMessagePayload<ConnectionContext>) =>
    connection.context.gate.beforeHandling(connection, update)

  return {
    extensionName: 'tidemark-authentication',
    onAuthenticate: open,
    connected,
    beforeHandleMessage,
    onTokenSync: renew,
  }
}

function readField(field: string): NonNullable<ReturnType<typeof decodeAuthField>> {
  const envelope = decodeAuthField(field)
  if (!envelope) throw new TidemarkError('message-malformed')
  if (envelope.protocol > protocolVersion) throw new TidemarkError('protocol-unsupported')
  return envelope
}

function asTidemarkError(cause: unknown): TidemarkError {
  return cause instanceof TidemarkError ? cause : new TidemarkError('internal', undefined, { cause })
}

const nothing = Promise.resolve()

/** Hocuspocus builds a payload for each of these for every message; the gate alone listens, and needs none. */
function spareHooks(connection: Connection, gate: Gate): void {
  connection
    .beforeHandleMessage((_connection, frame) => gate.beforeHandling(connection, frame))
    .afterHandleMessage(() => nothing)
    .beforeSync(() => nothing)
}
