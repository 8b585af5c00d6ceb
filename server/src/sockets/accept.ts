import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { closeCode, type ErrorCode, errorSentences, isDocumentName } from '@tidemark/shared'
import { WebSocketServer } from 'ws'
import type { Arrivals } from '../fairness/arrivals.ts'
import { Denials } from './denials.ts'
import { tokenFrame } from './frames.ts'
import type { Gate } from './gate.ts'
import { OutgoingTotal } from './outgoing-total.ts'
import { PatientWebSocket, patienceMs } from './patient-web-socket.ts'
import { type ServeParts, serveSocket } from './serve.ts'
import { WebSocketTransport } from './web-socket-transport.ts'
import { addressed, YWebsocketTransport } from './y-websocket-transport.ts'

export interface AcceptParts extends ServeParts {
  limits: { messageBytes: number; socketBufferBytes: number; outgoingBytes: number }
  /** Checks the host and the origin; an error code refuses the upgrade. */
  check(request: IncomingMessage): ErrorCode | null
  isStopping(): boolean
  arrivals: Pick<Arrivals, 'socket' | 'participant'>
  /** The address of the client, also behind a proxy. */
  addressOf(request: IncomingMessage): string
  /** Whether one more socket from there may come. */
  hasRoom(address: string): boolean
}

/** Where upgrades come from: an HTTP server, or what has looked at them before. */
export interface Upgradable {
  on(event: 'upgrade', listener: (incoming: IncomingMessage, duplex: Duplex, head: Buffer) => void): unknown
}

/** Where a socket wants to go: `/sync` speaks Hocuspocus, `/y-websocket/<document>` the protocol of y-websocket. */
type Target = { kind: 'hocuspocus' } | { kind: 'y-websocket'; documentName: string; token: string }

const yWebsocketPrefix = '/y-websocket/'

function parseTarget(url: string): Target | null {
  const at = url.indexOf('?')
  const path = at === -1 ? url : url.slice(0, at)
  if (path === '/sync' || path === '/sync/') return { kind: 'hocuspocus' }
  if (!path.startsWith(yWebsocketPrefix)) return null
  const token = new URLSearchParams(at === -1 ? '' : url.slice(at)).get('token') ?? ''
  return { kind: 'y-websocket', documentName: decode(path.slice(yWebsocketPrefix.length)), token }
}

/** An undecodable name stays as it is: it is then refused as a name. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function statusOf(code: ErrorCode): string {
  if (code === 'not-found') return '404 Not Found'
  return code === 'server-restarting' || code === 'too-many-connections' ? busy : '403 Forbidden'
}

const busy = '503 Service Unavailable'
const tooMany = '429 Too Many Requests'

/** Takes WebSocket upgrades on the HTTP server and hands each socket, through its gate, to Hocuspocus. */
export function acceptSockets(server: Upgradable, parts: AcceptParts): void {
  const total = new OutgoingTotal(parts.limits.outgoingBytes)
  const denials = new Denials(() => performance.now())
  const webSockets = new WebSocketServer({
    WebSocket: PatientWebSocket,
    noServer: true,
    clientTracking: false,
    maxPayload: parts.limits.messageBytes,
    perMessageDeflate: false,
  })
  server.on('upgrade', (incoming: IncomingMessage, duplex: Duplex, head: Buffer) => {
    duplex.on('error', () => duplex.destroy())
    const from = parts.addressOf(incoming)
    const waitMs = parts.arrivals.socket(from)
    if (waitMs > 0) {
      parts.onRefused('too-many-connections')
      refuseUpgrade(duplex, tooMany, 'too-many-connections', waitMs)
      return
    }
    parts.turns.enter(parts.arrivals.participant(from, false), () => upgrade(incoming, duplex, head, from))
  })

  function upgrade(incoming: IncomingMessage, duplex: Duplex, head: Buffer, from: string): void {
    const target = parseTarget(incoming.url ?? '/')
    const refusal = target ? refusalOf(incoming, from) : ('not-found' as const)
    if (target === null || refusal !== null) {
      const code = refusal ?? 'not-found'
      if (code !== 'not-found' && code !== 'server-restarting') parts.onRefused(code)
      refuseUpgrade(duplex, statusOf(code), code)
      return
    }
    webSockets.handleUpgrade(incoming, duplex, head, (webSocket) => serve(webSocket, duplex, target, from))
  }

  function refusalOf(incoming: IncomingMessage, from: string): ErrorCode | null {
    const code = parts.check(incoming)
    if (code) return code
    if (parts.isStopping()) return 'server-restarting'
    return parts.sockets.hasRoom && parts.hasRoom(from) ? null : 'too-many-connections'
  }

  function serve(webSocket: PatientWebSocket, duplex: Duplex, target: Target, from: string): void {
    const direct = new WebSocketTransport(webSocket, duplex, parts.limits.socketBufferBytes, total)
    if (target.kind === 'hocuspocus') {
      const gate = serveSocket(webSocket, direct, parts, from)
      // with several documents on it, the others would wait too
      webSocket.patience = (code) =>
        code === closeCode.messageTooLarge && gate.isStockWithOneDocument ? patienceMs : 0
      return
    }
    const gate = serveSocket(webSocket, new YWebsocketTransport(direct), parts, from, (frame) =>
      addressed(target.documentName, frame),
    )
    const who = `${from} ${target.documentName}`
    webSocket.patience = (code) => {
      if (code === closeCode.messageTooLarge) return patienceMs
      return isDenial(code) ? denials.next(who) : 0
    }
    webSocket.waits = (isWaiting) => (isWaiting ? denials.keep() : denials.letGo())
    begin(gate, target)
  }

  /** The y-websocket protocol has no authentication message; its token came with the upgrade. */
  function begin(gate: Gate, { documentName, token }: { documentName: string; token: string }): void {
    if (isDocumentName(documentName)) gate.receive(tokenFrame(documentName, token))
    else gate.close(closeCode.forbidden, 'document-name-invalid')
  }
}

const isDenial = (code: number) =>
  code === closeCode.unauthorised || code === closeCode.forbidden || code === closeCode.tokenExpired

/** How long a client has to read why it was refused, in ms; then its connection is gone, whatever it does. */
const farewellMs = 1_000

/** How long a client that came while there was no room should wait, in ms. */
const usualWaitMs = 2_000

function refuseUpgrade(duplex: Duplex, status: string, code: ErrorCode, waitMs = usualWaitMs): void {
  const timer = setTimeout(() => duplex.destroy(), farewellMs)
  duplex.once('close', () => clearTimeout(timer))
  // what it still sends is not kept
  duplex.resume()
  const body = JSON.stringify({ error: { code, message: errorSentences[code] } })
  const later = status === busy || status === tooMany
  duplex.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      (later ? `Retry-After: ${Math.ceil(waitMs / 1000)}\r\n` : '') +
      `Connection: close\r\n\r\n${body}`,
  )
}
