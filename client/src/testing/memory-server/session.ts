import {
  type AuthEnvelope,
  decodeAuthField,
  type ErrorCode,
  errorSentences,
  messageType,
  protocolVersion,
  type ServerMessage,
  syncType,
} from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import type { Level } from '../../status/status.ts'
import * as frames from './frames.ts'
import type { LiveDocument } from './live-document.ts'

/** What a session gets from the server it is on. */
export interface SessionMeans {
  send(frame: Uint8Array): void
  /** @returns why not, or what the token allows */
  authorise(token: string, documentName: string): Level | ErrorCode
  /** The epoch of the stored history; null when nothing is stored. */
  epochOf(documentName: string): string | null
  isStorageAway(): boolean
  /** Null while it cannot be loaded. */
  open(documentName: string): LiveDocument | null
  /** The session is over. */
  ended(session: ServerSession): void
}

/** One document on one socket, from its authentication to its end. */
export class ServerSession {
  readonly address: string
  readonly documentName: string
  readonly #means: SessionMeans
  #document: LiveDocument | null = null
  #level: Level = 'write'
  #isTidemark = false
  /** The token that it was last authenticated with. */
  token = ''
  #isOver = false

  constructor(address: string, documentName: string, means: SessionMeans) {
    this.address = address
    this.documentName = documentName
    this.#means = means
  }

  send(frame: Uint8Array): void {
    if (!this.#isOver) this.#means.send(frame)
  }

  tell(message: ServerMessage): void {
    this.send(frames.statelessFrame(this.address, message))
  }

  tellError(code: ErrorCode): void {
    this.tell({ tidemark: 'error', code, message: errorSentences[code] })
  }

  requestToken(): void {
    this.send(frames.tokenRequestFrame(this.address))
  }

  /** The level has changed while the session is open. */
  permit(level: Level): void {
    this.#level = level
    this.#greet()
  }

  /** Ends it with a word to the client. */
  close(reason: string): void {
    if (this.#isOver) return
    this.leave()
    this.#means.send(frames.closeFrame(this.address, reason))
  }

  /** The socket is gone, or the client has said goodbye. */
  leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#document?.leave(this)
    this.#means.ended(this)
  }

  receive({ type, decoder }: frames.Header): void {
    try {
      switch (type) {
        case messageType.auth:
          this.#authenticate(frames.readTokenField(decoder))
          return
        case messageType.sync:
        case messageType.syncReply:
          this.#sync(decoder)
          return
        case messageType.awareness:
          this.#presence(decoder)
          return
        case messageType.close:
          this.close('provider_initiated')
          return
        case messageType.queryAwareness:
        case messageType.stateless:
        case messageType.pong:
          return
        default:
          throw new Error(`message type ${type} is not for clients to send`)
      }
    } catch {
      this.tellError('message-malformed')
    }
  }

  #authenticate(field: string): void {
    const refusal = this.#admit(field)
    if (!refusal) return
    this.send(this.#document ? frames.closeFrame(this.address, refusal) : frames.denialFrame(this.address, refusal))
    this.leave()
  }

  /** @returns why not */
  #admit(field: string): ErrorCode | null {
    const envelope = decodeAuthField(field)
    if (!envelope) return 'message-malformed'
    if (envelope.protocol > protocolVersion) return 'protocol-unsupported'
    const level = this.#means.authorise(envelope.token, this.documentName)
    if (level !== 'read' && level !== 'write' && level !== 'admin') return level
    this.token = envelope.token
    if (this.#document) this.permit(level)
    else return this.#begin(level, envelope)
    return null
  }

  #begin(level: Level, { epoch: held, protocol }: AuthEnvelope): ErrorCode | null {
    if (held !== undefined) {
      const epoch = this.#means.epochOf(this.documentName)
      if (epoch === null && this.#means.isStorageAway()) return 'storage-unavailable'
      if (epoch !== held) return 'epoch-mismatch'
    }
    const document = this.#means.open(this.documentName)
    if (!document) return 'storage-unavailable'
    this.#level = level
    this.#isTidemark = protocol > 0
    this.send(frames.authenticatedFrame(this.address, level === 'read'))
    this.#document = document
    document.join(this)
    this.#greet()
    if (this.#means.isStorageAway()) this.tellError('storage-unavailable')
    return null
  }

  #greet(): void {
    const document = this.#document
    if (!this.#isTidemark || !document) return
    this.tell({
      tidemark: 'hello',
      protocol: protocolVersion,
      epoch: document.line.journal.epoch,
      revision: document.revision,
      level: this.#level,
      serverVersion: 'testing',
    })
  }

  #sync(decoder: decoding.Decoder): void {
    const document = this.#document
    if (!document) return
    const type = decoding.readVarUint(decoder)
    const payload = decoding.readVarUint8Array(decoder)
    if (type === syncType.step1) {
      this.send(frames.syncFrame(this.address, 'step1', Y.encodeStateVector(document.doc)))
      this.send(frames.syncFrame(this.address, 'step2', Y.encodeStateAsUpdate(document.doc, payload)))
      return
    }
    const refusal = this.#write(document, payload.slice(), type === syncType.update)
    document.whenDurable(() => {
      if (refusal) this.tellError(refusal)
      this.send(frames.statusFrame(this.address, refusal === null))
    })
  }

  /** @returns why it was refused, or null */
  #write(document: LiveDocument, update: Uint8Array, isBroadcast: boolean): ErrorCode | null {
    try {
      if (!isUpdate(update)) return 'update-malformed'
      if (this.#level === 'read') {
        const brings = isBroadcast || !Y.snapshotContainsUpdate(Y.snapshot(document.doc), update)
        return brings ? 'read-only' : null
      }
      document.write({ session: this, update, isBroadcast })
      return null
    } catch {
      return 'update-malformed'
    }
  }

  #presence(decoder: decoding.Decoder): void {
    const update = decoding.readVarUint8Array(decoder)
    this.#document?.applyPresence(this, update, departures(update))
  }
}

/** An update in Yjs's other encoding reads like an empty one with bytes behind it. */
function isUpdate(update: Uint8Array): boolean {
  const { structs, ds } = Y.decodeUpdate(update)
  return structs.length > 0 || ds.clients.size > 0 || update.byteLength === 2
}

/** The Yjs clients that an awareness message says are gone. */
function departures(update: Uint8Array): number[] {
  const decoder = decoding.createDecoder(update)
  const gone: number[] = []
  for (let count = decoding.readVarUint(decoder); count > 0; count--) {
    const client = decoding.readVarUint(decoder)
    decoding.readVarUint(decoder)
    if (JSON.parse(decoding.readVarString(decoder)) === null) gone.push(client)
  }
  return gone
}
