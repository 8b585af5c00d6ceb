import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { closeCode, type ErrorCode, errorSentences, isDocumentName } from '@tidemark/shared'
import { WebSocketServer } from 'ws'
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
  /** The address of the client, also behind a proxy. */
  addressOf(request: IncomingMessage): string
  /** Whether one more socket from there may come. */
  hasRoom(address: string): boolean
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

const statusOf = { notFound: '404 Not Found', forbidden: '403 Forbidden', busy: '503 Service Unavailable' } as const

/** Takes WebSocket upgrades on the HTTP server and hands each socket, through its gate, to Hocuspocus. */
export function acceptSockets(server: Server, parts: AcceptParts): void {
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
    const target = parseTarget(incoming.url ?? '/')
    if (!target) return refuseUpgrade(duplex, statusOf.notFound, 'not-found')
    const code = parts.check(incoming)
    if (code) {
      parts.onRefused(code)
      return refuseUpgrade(duplex, statusOf.forbidden, code)
    }
    if (parts.isStopping()) return refuseUpgrade(duplex, statusOf.busy, 'server-restarting')
    const from = parts.addressOf(incoming)
    if (!parts.sockets.hasRoom || !parts.hasRoom(from)) {
      parts.onRefused('too-many-connections')
      return refuseUpgrade(duplex, statusOf.busy, 'too-many-connections')
    }
    webSockets.handleUpgrade(incoming, duplex, head, (webSocket) => serve(webSocket, duplex, target, from))
  })

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

function refuseUpgrade(duplex: Duplex, status: string, code: ErrorCode): void {
  const timer = setTimeout(() => duplex.destroy(), farewellMs)
  duplex.once('close', () => clearTimeout(timer))
  // what it still sends is not kept
  duplex.resume()
  const body = JSON.stringify({ error: { code, message: errorSentences[code] } })
  duplex.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  )
}
