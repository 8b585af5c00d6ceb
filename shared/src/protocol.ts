/**
 * What Tidemark adds to the Hocuspocus protocol, all of it inside fields that stock clients leave free:
 * an envelope in the authentication message's token, and JSON in stateless messages. docs/protocol.md
 * describes the whole; changing a shape here means a new {@link protocolVersion}, and a test says so.
 */
import { type ErrorCode, isErrorCode } from './errors.ts'

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
  /** Nothing is wrong: no document has been open on the socket for a long time. */
  idle: 1000,
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

export const envelopePrefix = 'tidemark/1 '

/** What a Tidemark client says when it authenticates for one document. */
export interface AuthEnvelope {
  readonly protocol: number
  readonly token: string
  /** The epoch (uuid) of the history that the client holds; absent when it has never synced this document. */
  readonly epoch?: string | undefined
  /** The last revision (journal sequence number) that the client knows the server to hold. */
  readonly revision?: number | undefined
  /** The client package's version, for logs. */
  readonly version?: string | undefined
}

export function encodeAuthEnvelope(envelope: AuthEnvelope): string {
  return envelopePrefix + JSON.stringify(envelope)
}

/** What the server tells a client in a stateless message, beside what the Hocuspocus protocol itself says. */
export type ServerMessage =
  | {
      readonly tidemark: 'hello'
      readonly protocol: number
      /**
       * The document's epoch: a client stores it and says it at its next authentication (R9). Absent as long as nothing is
       * stored under this name, and a reader has it open; another hello with it follows (S11).
       */
      readonly epoch?: string
      /** The newest revision committed in Postgres. */
      readonly revision: number
      readonly level: 'read' | 'write' | 'admin'
      /** Unix time in ms at which the token runs out; absent when it does not. */
      readonly expiresAt?: number
      /** The size, in bytes, of the largest message that it takes; absent in servers that do not say so. */
      readonly messageBytes?: number
      readonly serverVersion: string
    }
  | { readonly tidemark: 'error'; readonly code: ErrorCode; readonly message: string }
  /** What an earlier `error` of this code complained about is over. */
  | { readonly tidemark: 'recovered'; readonly code: ErrorCode }

const isString = (value: unknown) => typeof value === 'string'
const isLevel = (value: unknown) => value === 'read' || value === 'write' || value === 'admin'
const isText = (value: unknown) => value === undefined || typeof value === 'string'
const isTime = (value: unknown) => value === undefined || Number.isFinite(value)

const isSize = (value: unknown) => value === undefined || (Number.isInteger(value) && (value as number) > 0)

/** The same for a reader: the kinds of message, and what each of their fields has to be. */
const serverMessageSchema: { readonly [kind: string]: { readonly [field: string]: (value: unknown) => boolean } } = {
  hello: {
    protocol: Number.isInteger,
    epoch: isText,
    revision: Number.isInteger,
    level: isLevel,
    expiresAt: isTime,
    messageBytes: isSize,
    serverVersion: isString,
  },
  error: { code: isErrorCode, message: isString },
  recovered: { code: isErrorCode },
}

export function encodeServerMessage(message: ServerMessage): string {
  return JSON.stringify(message)
}

/** @returns `null` when the payload is not Tidemark's: apps may send stateless messages of their own */
export function decodeServerMessage(payload: string): ServerMessage | null {
  const message = parseJson(payload) as { readonly [field: string]: unknown } | null | undefined
  const kind = message?.tidemark
  if (!isString(kind) || !Object.hasOwn(serverMessageSchema, kind as string)) return null
  const fields = Object.entries(serverMessageSchema[kind as string]!)
  return fields.every(([field, isRight]) => isRight(message?.[field])) ? (message as ServerMessage) : null
}

/** Reads a close reason or a permission-denied reason; a foreign server's words become `fallback`. */
export function errorCodeFromReason(reason: string, fallback: ErrorCode): ErrorCode {
  return isErrorCode(reason) ? reason : fallback
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
