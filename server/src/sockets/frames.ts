import { authType, encodeServerMessage, messageType, type ServerMessage, syncType } from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import type { Struct } from '../documents/structure.ts'
import { type Claims, claimsOf } from './claims.ts'
import { type Known, readQuestion } from './state-vectors.ts'

/** The begin of every Hocuspocus frame: the address (document name, maybe `\0` and a session id) and the type. */
export interface Header {
  address: string
  type: number
  /** Stands right behind the type. */
  decoder: decoding.Decoder
}

/** @throws when the frame is too short or its address is no UTF-8 */
export function readHeader(frame: Uint8Array): Header {
  const decoder = decoding.createDecoder(frame)
  const address = decoding.readVarString(decoder)
  return { address, type: readType(decoder), decoder }
}

/** One byte, though it could be spelled as several: it is changed in its place (`makeEmpty`). */
function readType(decoder: decoding.Decoder): number {
  if (!decoding.hasContent(decoder)) throw new Error('there is no message type')
  const type = decoding.readUint8(decoder)
  if (type > 127) throw new Error('not a message type')
  return type
}

/** Reads the type behind an address of `prefix` bytes, its length included. */
export function readHeaderBehind(frame: Uint8Array, address: string, prefix: number): Header {
  const decoder = decoding.createDecoder(frame)
  decoder.pos = prefix
  return { address, type: readType(decoder), decoder }
}

/** An address as it begins a frame. */
export function encodeAddress(address: string): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, address)
  return encoding.toUint8Array(encoder)
}

/** The type of a frame without decoding its address; for frames that this process wrote. */
export function typeOf(frame: Uint8Array): number {
  const decoder = decoding.createDecoder(frame)
  const length = decoding.readVarUint(decoder)
  decoder.pos += length
  return decoding.readVarUint(decoder)
}

/** Turns a frame that Hocuspocus is about to handle into one that asks for nothing: a text for nobody, an empty one. */
export function makeEmpty(frame: Uint8Array): void {
  const { decoder } = readHeader(frame)
  frame[decoder.pos - 1] = messageType.stateless
  frame[decoder.pos] = 0
}

/** Turns a frame with a write, whose payload has two bytes or more, into one that writes nothing. */
export function makeEmptyWrite(frame: Uint8Array): void {
  const { decoder } = readHeader(frame)
  // no structs and no deletions, behind their length
  frame.set([syncType.update, 2, 0, 0], decoder.pos)
}

export interface Address {
  documentName: string
  sessionId: string | null
}

export function parseAddress(address: string): Address {
  const separator = address.indexOf('\0')
  if (separator === -1) return { documentName: address, sessionId: null }
  return { documentName: address.slice(0, separator), sessionId: address.slice(separator + 1) }
}

/** What a sync message asks for: `read` (step 1), or `write` with the update's bytes (step 2, or an update for everybody). */
export type SyncMessage =
  | { kind: 'read'; known: Known | Uint8Array }
  | { kind: 'write'; isBroadcast: boolean; update: Uint8Array; claims: Claims; structs: readonly Struct[] }
  /** One that has not been decoded. */
  | { kind: 'write-late'; update: Uint8Array }

/**
 * @param atOnce the largest write that is decoded, in bytes
 * @param mostAuthors how many Yjs clients a question may name
 * @throws {TooComplex}
 * @throws when it is malformed, down to the Yjs update or state vector in it (R6.3)
 */
export function readSyncMessage(
  decoder: decoding.Decoder,
  { atOnce, mostAuthors }: { atOnce: number; mostAuthors: () => number },
): SyncMessage {
  const type = decoding.readVarUint(decoder)
  const payload = decoding.readVarUint8Array(decoder)
  switch (type) {
    case syncType.step1:
      return { kind: 'read', known: readQuestion(payload, mostAuthors) }
    case syncType.step2:
    case syncType.update: {
      if (payload.byteLength > atOnce) return { kind: 'write-late', update: payload }
      const decoded = Y.decodeUpdate(payload)
      const claims = claimsOf(payload, decoded)
      return { kind: 'write', isBroadcast: type === syncType.update, update: payload, claims, structs: decoded.structs }
    }
    default:
      throw new Error(`unknown sync message type ${type}`)
  }
}

/** @throws when it is no text: Hocuspocus would print that, and end the whole socket */
export const readStateless = (decoder: decoding.Decoder): string => decoding.readVarString(decoder)

/** @throws when it is cut short */
export const readPayload = (decoder: decoding.Decoder): Uint8Array => decoding.readVarUint8Array(decoder)

/** In bytes: far above a token with its envelope. Whoever sends it has not shown who they are. */
const largestTokenField = 64 * 1024

/** @throws when it is no token message, or longer than any is: before it is decoded */
export function readTokenField(decoder: decoding.Decoder): string {
  if (decoding.readVarUint(decoder) !== authType.token) throw new Error('not a token message')
  const length = decoding.peekVarUint(decoder)
  if (length > largestTokenField) throw new Error(`a token of ${length} bytes`)
  return decoding.readVarString(decoder)
}

/** The reason in a permission-denied frame that this process wrote; null for its other authentication frames. */
export function readDenial(decoder: decoding.Decoder): string | null {
  return decoding.readVarUint(decoder) === authType.permissionDenied ? decoding.readVarString(decoder) : null
}

export function readSyncStatus(decoder: decoding.Decoder): boolean {
  return decoding.readVarUint(decoder) === 1
}

function frame(address: string, type: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, address)
  encoding.writeVarUint(encoder, type)
  write(encoder)
  return encoding.toUint8Array(encoder)
}

/** More than what comes before the payload in a sync frame: an address, two types, a length. In bytes. */
export const frameRoom = 1_024

/**
 * Of a sync message. A payload with {@link frameRoom} bytes of room before it in its buffer is not copied: it may be a
 * whole document.
 */
function syncFrame(address: string, type: number, payload: Uint8Array): Uint8Array {
  const head = frame(address, messageType.sync, (encoder) => {
    encoding.writeVarUint(encoder, type)
    encoding.writeVarUint(encoder, payload.byteLength)
  })
  const length = head.byteLength + payload.byteLength
  if (payload.byteOffset >= head.byteLength) {
    const around = new Uint8Array(payload.buffer, payload.byteOffset - head.byteLength, length)
    around.set(head)
    return around
  }
  const whole = new Uint8Array(length)
  whole.set(head)
  whole.set(payload, head.byteLength)
  return whole
}

/** Step 1: asks for what is not in `vector`. */
export const questionFrame = (address: string, vector: Uint8Array): Uint8Array =>
  syncFrame(address, syncType.step1, vector)

/** Step 2: answers such a question. */
export const answerFrame = (address: string, update: Uint8Array): Uint8Array =>
  syncFrame(address, syncType.step2, update)

export const updateFrame = (address: string, update: Uint8Array): Uint8Array =>
  syncFrame(address, syncType.update, update)

export const statelessFrame = (address: string, message: ServerMessage): Uint8Array =>
  frame(address, messageType.stateless, (encoder) => encoding.writeVarString(encoder, encodeServerMessage(message)))

/** An awareness message, behind an address as {@link encodeAddress} makes it. */
export function presenceFrame(address: Uint8Array, update: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeUint8Array(encoder, address)
  encoding.writeVarUint(encoder, messageType.awareness)
  encoding.writeVarUint(encoder, update.byteLength)
  const head = encoding.toUint8Array(encoder)
  const whole = Buffer.allocUnsafe(head.byteLength + update.byteLength)
  whole.set(head)
  whole.set(update, head.byteLength)
  return whole
}

/** The answer to a client's one-byte ping; like it, it has no address. */
export const pongFrame = Uint8Array.of(messageType.pong)

/** The answer to a write. */
export const statusFrame = (address: string, isSaved: boolean): Uint8Array =>
  frame(address, messageType.syncStatus, (encoder) => encoding.writeVarUint(encoder, isSaved ? 1 : 0))

export const denialFrame = (address: string, reason: string): Uint8Array =>
  frame(address, messageType.auth, (encoder) => {
    encoding.writeVarUint(encoder, authType.permissionDenied)
    encoding.writeVarString(encoder, reason)
  })

export const tokenFrame = (address: string, token: string): Uint8Array =>
  frame(address, messageType.auth, (encoder) => {
    encoding.writeVarUint(encoder, authType.token)
    encoding.writeVarString(encoder, token)
  })
