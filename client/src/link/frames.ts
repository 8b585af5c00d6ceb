import { messageType, syncType } from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** What a frame of the Hocuspocus protocol is, as far as the link needs to know. */
export type FrameKind =
  | { readonly kind: 'sync-request' }
  | { readonly kind: 'sync-reply' }
  | { readonly kind: 'update' }
  | { readonly kind: 'sync-status'; readonly applied: boolean }
  | { readonly kind: 'other' }

/** The session that a frame is for: `name\0sessionId`. */
export function addressOf(frame: Uint8Array): string {
  return decoding.peekVarString(decoding.createDecoder(frame))
}

/** Pings and pongs are one byte, about the socket itself: without an address, for no session. */
export const pingFrame = Uint8Array.of(messageType.ping)
export const pongFrame = Uint8Array.of(messageType.pong)

export function isPing(frame: Uint8Array): boolean {
  return frame.byteLength === 1 && frame[0] === messageType.ping
}

export function isPong(frame: Uint8Array): boolean {
  return frame.byteLength === 1 && frame[0] === messageType.pong
}

export function kindOf(frame: Uint8Array): FrameKind {
  if (isPing(frame) || isPong(frame)) return { kind: 'other' }
  const decoder = decoding.createDecoder(frame)
  decoding.readVarUint8Array(decoder)
  const type = decoding.readVarUint(decoder)
  // Hocuspocus writes this one as a signed integer
  if (type === messageType.syncStatus) return { kind: 'sync-status', applied: decoding.readVarInt(decoder) === 1 }
  if (type !== messageType.sync && type !== messageType.syncReply) return { kind: 'other' }
  switch (decoding.readVarUint(decoder)) {
    case syncType.step1:
      return { kind: 'sync-request' }
    case syncType.step2:
      return { kind: 'sync-reply' }
    case syncType.update:
      return { kind: 'update' }
    default:
      return { kind: 'other' }
  }
}

/** @param kind `step2` answers the server's request, `update` follows later */
export function writeFrame(address: string, kind: 'step2' | 'update', update: Uint8Array): Uint8Array<ArrayBuffer> {
  return encoding.encode((encoder) => {
    encoding.writeVarString(encoder, address)
    encoding.writeVarUint(encoder, messageType.sync)
    encoding.writeVarUint(encoder, syncType[kind])
    encoding.writeVarUint8Array(encoder, update)
  }) as Uint8Array<ArrayBuffer>
}

/** How much longer than its update a frame is, at most. */
export function frameOverhead(address: string): number {
  return 3 * address.length + 24
}

export function closeFrame(address: string): Uint8Array<ArrayBuffer> {
  return encoding.encode((encoder) => {
    encoding.writeVarString(encoder, address)
    encoding.writeVarUint(encoder, messageType.close)
  }) as Uint8Array<ArrayBuffer>
}

/** The update in a frame of the kinds `sync-reply` and `update`; the state vector in a `sync-request`. */
export function bytesIn(frame: Uint8Array): Uint8Array {
  const decoder = decoding.createDecoder(frame)
  decoding.readVarUint8Array(decoder)
  decoding.readVarUint(decoder)
  decoding.readVarUint(decoder)
  return decoding.readVarUint8Array(decoder)
}
