import {
  authType,
  closeCode,
  decodeServerMessage,
  type ErrorCode,
  errorCodeFromReason,
  messageType,
} from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { Room } from './outgoing-total.ts'
import type { Transport } from './transport.ts'

/**
 * Lets the unmodified `y-websocket` client speak to the gate (B4): its frames are Hocuspocus's without the address,
 * one document for each socket. Acks and stateless messages have no place in its protocol and end here.
 */
export class YWebsocketTransport implements Transport {
  readonly #inner: Transport
  #lastError: ErrorCode = 'read-only'

  constructor(inner: Transport) {
    this.#inner = inner
  }

  get isOpen(): boolean {
    return this.#inner.isOpen
  }

  room(bytes: number): Room | null {
    return this.#inner.room(bytes)
  }

  whenRoom(bytes: number): Promise<Room | null> {
    return this.#inner.whenRoom(bytes)
  }

  get hears(): boolean {
    return this.#inner.hears
  }

  send(frame: Uint8Array): void {
    const decoder = decoding.createDecoder(frame)
    const addressLength = decoding.readVarUint(decoder)
    decoder.pos += addressLength
    const body = decoder.pos
    const type = decoding.readVarUint(decoder)
    switch (type) {
      case messageType.sync:
      case messageType.awareness:
        if (last?.frame !== frame) last = { frame, rest: frame.subarray(body) }
        this.#inner.send(last.rest)
        return
      case messageType.syncReply: {
        const copy = frame.slice(body)
        copy[0] = messageType.sync
        this.#inner.send(copy)
        return
      }
      case messageType.auth:
        if (decoding.readVarUint(decoder) === authType.permissionDenied) this.#deny(decoding.readVarString(decoder))
        return
      case messageType.syncStatus:
        // its client cannot be told that an edit was refused but by this warning on its console
        if (decoding.readVarUint(decoder) !== 1) this.#inner.send(denial(this.#lastError))
        return
      case messageType.stateless: {
        // the reason of a refusal comes right before it
        const message = decodeServerMessage(decoding.readVarString(decoder))
        if (message?.tidemark === 'error') this.#lastError = message.code
        return
      }
      case messageType.close:
        this.close(closeCode.reset, errorCodeFromReason(decoding.readVarString(decoder), 'connection-lost'))
        return
      default:
        return
    }
  }

  #deny(reason: string): void {
    this.#inner.send(denial(reason))
    const isIdentity = reason.startsWith('token-')
    this.close(isIdentity ? closeCode.unauthorised : closeCode.forbidden, reason)
  }

  close(code: number, reason: string): void {
    this.#inner.close(code, reason)
  }

  setPaused(paused: boolean): void {
    this.#inner.setPaused(paused)
  }

  limitMessages(bytes: number): void {
    this.#inner.limitMessages(bytes)
  }
}

/** A frame that goes to many sockets loses its address once, so that each of them is sent the same. */
let last: { frame: Uint8Array; rest: Uint8Array } | null = null

/** `y-protocols/auth`: a permission-denied message. */
function denial(reason: string): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, messageType.auth)
  encoding.writeVarUint(encoder, 0)
  encoding.writeVarString(encoder, reason)
  return encoding.toUint8Array(encoder)
}

/** Puts the address in front of a frame of a `y-websocket` client. */
export function addressed(documentName: string, frame: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, documentName)
  encoding.writeUint8Array(encoder, frame)
  return encoding.toUint8Array(encoder)
}
