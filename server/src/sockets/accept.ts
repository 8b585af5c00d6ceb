import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { CloseEvent } from '@hocuspocus/common'
import { closeCode, type ErrorCode, errorSentences, isDocumentName } from '@tidemark/shared'
import { type WebSocket, WebSocketServer } from 'ws'
import type { TidemarkHocuspocus } from '../documents/hocuspocus.ts'
import type { ConnectionContext } from './context.ts'
import { tokenFrame } from './frames.ts'
import type { Gate } from './gate.ts'
import type { Sockets } from './sockets.ts'
import type { Transport } from './transport.ts'
import { WebSocketTransport } from './web-socket-transport.ts'
import { addressed, YWebsocketTransport } from './y-websocket-transport.ts'

export interface AcceptParts {
  hocuspocus: TidemarkHocuspocus
  sockets: Sockets
  limits: { messageBytes: number; socketBufferBytes: number }
  makeGate(transport: Transport): Gate
  /** Checks the host and the origin; an error code refuses the upgrade. */
  check(request: IncomingMessage): ErrorCode | null
  isStopping(): boolean
  onRefused(code: ErrorCode, cause?: unknown): void
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
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: parts.limits.messageBytes,
    perMessageDeflate: false,
  })
  // Hocuspocus asks for a web Request; what it reads of it is empty here, so that no hook ever sees a token in a URL
  const request = { url: '', headers: new Headers() } as Request

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
    if (!parts.sockets.hasRoom) {
      parts.onRefused('too-many-connections')
      return refuseUpgrade(duplex, statusOf.busy, 'too-many-connections')
    }
    webSockets.handleUpgrade(incoming, duplex, head, (webSocket) => serve(webSocket, duplex, target))
  })

  function serve(webSocket: WebSocket, duplex: Duplex, target: Target): void {
    const direct = new WebSocketTransport(webSocket, duplex, parts.limits.socketBufferBytes)
    const gate = parts.makeGate(target.kind === 'hocuspocus' ? direct : new YWebsocketTransport(direct))
    const context: ConnectionContext = { gate }
    const client = parts.hocuspocus.handleConnection(gate, request, context)
    withoutPrototypes(client)
    gate.attach(client.handleMessage)
    parts.sockets.add(webSocket, gate)
    webSocket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) {
        parts.onRefused('message-malformed')
        gate.close(closeCode.malformed, 'message-malformed')
        return
      }
      gate.receive(target.kind === 'hocuspocus' ? data : addressed(target.documentName, data))
    })
    webSocket.on('error', (cause) => parts.onRefused(codeOf(cause), cause))
    webSocket.on('close', (code, reason) => {
      parts.sockets.remove(webSocket)
      client.handleClose({ code, reason: reason.toString() } satisfies CloseEvent)
      gate.closed()
    })
    if (target.kind === 'y-websocket') begin(gate, target)
  }

  /** The y-websocket protocol has no authentication message; its token came with the upgrade. */
  function begin(gate: Gate, { documentName, token }: { documentName: string; token: string }): void {
    if (isDocumentName(documentName)) gate.receive(tokenFrame(documentName, token))
    else gate.close(closeCode.forbidden, 'document-name-invalid')
  }
}

/**
 * Hocuspocus looks a socket's documents up in plain objects, where "constructor" is always found: a document of that
 * name would never open.
 */
function withoutPrototypes(client: object): void {
  for (const name of ['documentConnections', 'incomingMessageQueue', 'incomingMessageQueueBytes', 'hookPayloads']) {
    const table: unknown = Reflect.get(client, name)
    if (typeof table === 'object' && table) Object.setPrototypeOf(table, null)
  }
}

function codeOf(cause: unknown): ErrorCode {
  const isTooLarge = cause instanceof Error && 'code' in cause && cause.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
  return isTooLarge ? 'message-too-large' : 'message-malformed'
}

function refuseUpgrade(duplex: Duplex, status: string, code: ErrorCode): void {
  const body = JSON.stringify({ error: { code, message: errorSentences[code] } })
  duplex.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  )
}
