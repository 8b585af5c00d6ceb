import { authType, encodeServerMessage, messageType, type ServerMessage, syncType } from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** The begin of a frame; `decoder` stands behind its type. */
export interface Header {
  readonly address: string
  readonly type: number
  readonly decoder: decoding.Decoder
}

/** @throws when the frame has no readable address */
export function readHeader(frame: Uint8Array): Header {
  const decoder = decoding.createDecoder(frame)
  const address = decoding.readVarString(decoder)
  return { address, type: decoding.readVarUint(decoder), decoder }
}

/** @throws when it is no token message */
export function readTokenField(decoder: decoding.Decoder): string {
  if (decoding.readVarUint(decoder) !== authType.token) throw new Error('not a token message')
  return decoding.readVarString(decoder)
}

function frame(address: string, type: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarString(encoder, address)
    encoding.writeVarUint(encoder, type)
    write(encoder)
  })
}

export function syncFrame(address: string, type: keyof typeof syncType, payload: Uint8Array): Uint8Array {
  return frame(address, messageType.sync, (encoder) => {
    encoding.writeVarUint(encoder, syncType[type])
    encoding.writeVarUint8Array(encoder, payload)
  })
}

export function awarenessFrame(address: string, states: Uint8Array): Uint8Array {
  return frame(address, messageType.awareness, (encoder) => encoding.writeVarUint8Array(encoder, states))
}

export function authenticatedFrame(address: string, isReader: boolean): Uint8Array {
  return frame(address, messageType.auth, (encoder) => {
    encoding.writeVarUint(encoder, authType.authenticated)
    encoding.writeVarString(encoder, isReader ? 'readonly' : 'read-write')
  })
}

export function denialFrame(address: string, reason: string): Uint8Array {
  return frame(address, messageType.auth, (encoder) => {
    encoding.writeVarUint(encoder, authType.permissionDenied)
    encoding.writeVarString(encoder, reason)
  })
}

/** Asks for a fresh token. */
export function tokenRequestFrame(address: string): Uint8Array {
  return frame(address, messageType.auth, (encoder) => encoding.writeVarUint(encoder, authType.token))
}

export function statelessFrame(address: string, message: ServerMessage): Uint8Array {
  return frame(address, messageType.stateless, (encoder) =>
    encoding.writeVarString(encoder, encodeServerMessage(message)),
  )
}

export function statusFrame(address: string, isSaved: boolean): Uint8Array {
  return frame(address, messageType.syncStatus, (encoder) => encoding.writeVarUint(encoder, isSaved ? 1 : 0))
}

export function closeFrame(address: string, reason: string): Uint8Array {
  return frame(address, messageType.close, (encoder) => encoding.writeVarString(encoder, reason))
}
