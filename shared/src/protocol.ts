/**
 * What Tidemark adds to the Hocuspocus protocol, all of it inside fields that stock clients leave free:
 * an envelope in the authentication message's token, and JSON in stateless messages. docs/protocol.md
 * describes the whole; changing a shape here means a new {@link protocolVersion}, and a test says so.
 */
import * as z from 'zod/mini'
import { type ErrorCode, errorCodes, isErrorCode } from './errors.ts'

export const protocolVersion = 1

/** The Hocuspocus message types (`@hocuspocus/server` 4.7, `types.ts`), as the first number behind the address. */
export const messageType = {
  sync: 0,
  awareness: 1,
  auth: 2,
  queryAwareness: 3,
  syncReply: 4,
  stateless: 5,
  broadcastStateless: 6,
  close: 7,
  syncStatus: 8,
  ping: 9,
  pong: 10,
} as const

/** The kinds of sync message (`y-protocols/sync`), the number behind `messageType.sync`. */
export const syncType = { step1: 0, step2: 1, update: 2 } as const

/** The kinds of authentication message (`@hocuspocus/common`, `auth.ts`). */
export const authType = { token: 0, permissionDenied: 1, authenticated: 2 } as const

/**
 * WebSocket close codes that Tidemark uses; the close reason is always an {@link ErrorCode}.
 * 44xx tells `y-websocket` not to come back; everything else is retried by all three clients.
 */
export const closeCode = {
  serviceRestart: 1012,
  tryAgainLater: 1013,
  messageTooLarge: 1009,
  malformed: 4400,
  unauthorised: 4401,
  forbidden: 4403,
  authenticationTimeout: 4408,
  /** A session that must be opened anew; retried at once (Hocuspocus `ResetConnection`). */
  reset: 4205,
  /** A token that has run out; `y-websocket` may come back with a new one, so not a 44xx. */
  tokenExpired: 4201,
} as const

const envelopePrefix = 'tidemark/1 '

const authEnvelopeSchema = z.object({
  protocol: z.int(),
  token: z.string(),
  /** The epoch (uuid) of the history that the client holds; absent when it has never synced this document. */
  epoch: z.optional(z.string().check(z.maxLength(64))),
  /** The last revision (journal sequence number) that the client knows the server to hold. */
  revision: z.optional(z.int().check(z.nonnegative())),
  /** The client package's version, for logs. */
  version: z.optional(z.string().check(z.maxLength(64))),
})

/** What a Tidemark client says when it authenticates for one document. */
export type AuthEnvelope = z.infer<typeof authEnvelopeSchema>

export function encodeAuthEnvelope(envelope: AuthEnvelope): string {
  return envelopePrefix + JSON.stringify(envelope)
}

/**
 * Reads the token field of an authentication message. A stock client's field is the bare token.
 * @returns the envelope; `null` when the field begins like an envelope and is none
 */
export function decodeAuthField(field: string): AuthEnvelope | null {
  if (!field.startsWith(envelopePrefix)) return { protocol: 0, token: field }
  const json = parseJson(field.slice(envelopePrefix.length))
  const result = authEnvelopeSchema.safeParse(json)
  return result.success ? result.data : null
}

const serverMessageSchema = z.discriminatedUnion('tidemark', [
  z.object({
    tidemark: z.literal('hello'),
    protocol: z.int(),
    /** The document's epoch: a client stores it and says it at its next authentication (R9). */
    epoch: z.string(),
    /** The newest revision committed in Postgres. */
    revision: z.int(),
    level: z.enum(['read', 'write', 'admin']),
    /** Unix time in ms at which the token runs out; absent when it does not. */
    expiresAt: z.optional(z.number()),
    serverVersion: z.string(),
  }),
  z.object({ tidemark: z.literal('error'), code: z.enum(errorCodes), message: z.string() }),
  /** What an earlier `error` of this code complained about is over. */
  z.object({ tidemark: z.literal('recovered'), code: z.enum(errorCodes) }),
])

/** What the server tells a client in a stateless message, beside what the Hocuspocus protocol itself says. */
export type ServerMessage = z.infer<typeof serverMessageSchema>

export function encodeServerMessage(message: ServerMessage): string {
  return JSON.stringify(message)
}

/** @returns `null` when the payload is not Tidemark's: apps may send stateless messages of their own */
export function decodeServerMessage(payload: string): ServerMessage | null {
  const result = serverMessageSchema.safeParse(parseJson(payload))
  return result.success ? result.data : null
}

/** Reads a close reason or a permission-denied reason; a foreign server's words become `fallback`. */
export function errorCodeFromReason(reason: string, fallback: ErrorCode): ErrorCode {
  return isErrorCode(reason) ? reason : fallback
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
