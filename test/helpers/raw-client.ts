import { authType, decodeServerMessage, encodeAuthEnvelope, messageType, syncType } from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import WebSocket, { type ClientOptions } from 'ws'
import { until } from './until.ts'

/** What a server said in one frame, as far as tests ask. */
export type Said =
  | { kind: 'authenticated'; scope: string }
  | { kind: 'denied'; reason: string }
  | { kind: 'token-wanted' }
  | { kind: 'stateless'; code: string; payload: string }
  | { kind: 'sync'; type: number; payload: Uint8Array }
  | { kind: 'status'; saved: boolean }
  | { kind: 'closed'; reason: string }
  | { kind: 'other'; type: number }

/** A client that says exactly what it is told to say, byte for byte: for hostile and broken ones. */
export class RawClient implements Disposable {
  readonly said: Said[] = []
  readonly socket: WebSocket
  close: { code: number; reason: string } | null = null
  /** The HTTP status with which the upgrade was refused. */
  refused: number | null = null

  constructor(url: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(url, options)
    this.socket.binaryType = 'arraybuffer'
    this.socket.on('message', (data: ArrayBuffer) => this.said.push(read(new Uint8Array(data))))
    this.socket.on('close', (code, reason) => {
      this.close = { code, reason: reason.toString() }
    })
    this.socket.on('unexpected-response', (_request, response) => {
      this.refused = response.statusCode ?? 0
      response.resume()
      this.socket.terminate()
    })
    this.socket.on('error', () => {})
  }

  /** A client that is connected and signed in for `document`. */
  static async open(url: string, document: string, token = 'anybody', epoch?: string): Promise<RawClient> {
    const client = new RawClient(url)
    await client.connected()
    client.authenticate(document, token, epoch)
    await until('the server answers the authentication', () => client.has('authenticated') || client.has('denied'))
    return client
  }

  async connected(): Promise<this> {
    await until('the socket opens', () => this.socket.readyState === WebSocket.OPEN)
    return this
  }

  has(kind: Said['kind']): boolean {
    return this.said.some((said) => said.kind === kind)
  }

  /** Every reason that the server gave, wherever it put it. */
  get reasons(): string[] {
    const reasons = this.said.flatMap((said) => {
      if (said.kind === 'denied' || said.kind === 'closed') return [said.reason]
      return said.kind === 'stateless' ? [said.code] : []
    })
    return this.close ? [...reasons, this.close.reason] : reasons
  }

  raw(bytes: Uint8Array | string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes)
  }

  message(address: string, write: (encoder: encoding.Encoder) => void): void {
    this.raw(frame(address, write))
  }

  authenticate(document: string, token: string, epoch?: string): void {
    const field = epoch === undefined ? token : encodeAuthEnvelope({ protocol: 1, token, epoch })
    this.message(document, (encoder) => {
      encoding.writeVarUint(encoder, messageType.auth)
      encoding.writeVarUint(encoder, authType.token)
      encoding.writeVarString(encoder, field)
      encoding.writeVarString(encoder, 'test')
    })
  }

  /** A sync message: step 1 (a state vector), step 2 or an update. */
  sync(document: string, type: number, payload: Uint8Array): void {
    this.message(document, (encoder) => {
      encoding.writeVarUint(encoder, messageType.sync)
      encoding.writeVarUint(encoder, type)
      encoding.writeVarUint8Array(encoder, payload)
    })
  }

  update(document: string, update: Uint8Array): void {
    this.sync(document, syncType.update, update)
  }

  presence(document: string, people: readonly { client: number; clock: number; state: unknown }[]): void {
    this.presenceTexts(
      document,
      people.map(({ state, ...person }) => ({ ...person, text: JSON.stringify(state) })),
    )
  }

  presenceTexts(document: string, people: readonly { client: number; clock: number; text: string }[]): void {
    const states = encoding.createEncoder()
    encoding.writeVarUint(states, people.length)
    for (const { client, clock, text } of people) {
      encoding.writeVarUint(states, client)
      encoding.writeVarUint(states, clock)
      encoding.writeVarString(states, text)
    }
    this.message(document, (encoder) => {
      encoding.writeVarUint(encoder, messageType.awareness)
      encoding.writeVarUint8Array(encoder, encoding.toUint8Array(states))
    })
  }

  async reason(what: string, timeout = 5000): Promise<string> {
    return until(`the server says why it refused ${what}`, () => this.reasons.find((reason) => reason !== ''), {
      timeout,
    })
  }

  [Symbol.dispose](): void {
    this.socket.terminate()
  }
}

export function frame(address: string, write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, address)
  write(encoder)
  return encoding.toUint8Array(encoder)
}

export function read(bytes: Uint8Array): Said {
  if (bytes.length === 1) return { kind: 'other', type: bytes[0] ?? 0 }
  const decoder = decoding.createDecoder(bytes)
  decoding.readVarString(decoder)
  const type = decoding.readVarUint(decoder)
  switch (type) {
    case messageType.auth:
      return readAuth(decoder)
    case messageType.sync:
    case messageType.syncReply:
      return { kind: 'sync', type: decoding.readVarUint(decoder), payload: decoding.readVarUint8Array(decoder) }
    case messageType.stateless: {
      const payload = decoding.readVarString(decoder)
      const message = decodeServerMessage(payload)
      return { kind: 'stateless', code: message?.tidemark === 'error' ? message.code : '', payload }
    }
    case messageType.syncStatus:
      return { kind: 'status', saved: decoding.readVarInt(decoder) === 1 }
    case messageType.close:
      return { kind: 'closed', reason: decoding.readVarString(decoder) }
    default:
      return { kind: 'other', type }
  }
}

function readAuth(decoder: decoding.Decoder): Said {
  switch (decoding.readVarUint(decoder)) {
    case authType.authenticated:
      return { kind: 'authenticated', scope: decoding.readVarString(decoder) }
    case authType.permissionDenied:
      return { kind: 'denied', reason: decoding.readVarString(decoder) }
    default:
      return { kind: 'token-wanted' }
  }
}
