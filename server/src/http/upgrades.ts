import { EventEmitter } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ErrorCode, errorSentences } from '@tidemark/shared'
import type { Asked } from './asked.ts'
import { statusOf } from './failures.ts'
import type { FrontDoorParts } from './front-door.ts'
import { bareHeaders } from './headers.ts'
import { requestCounter } from './request-counter.ts'

export type Upgrades = EventEmitter<{ upgrade: [IncomingMessage, Duplex, Buffer] }>

/** Those who want to be a WebSocket. Whoever left HTTP because the parser refused it (W11) is told, and goes. */
export function upgradesOf(server: Server<typeof Asked, typeof ServerResponse>, parts: FrontDoorParts): Upgrades {
  const { arrivals, turns, connections, addressOf, onRefused } = parts
  const upgrades: Upgrades = new EventEmitter()
  const count = requestCounter(parts)
  server.on('upgrade', (request: Asked, duplex: Duplex, head: Buffer) => {
    connections.leave(request.socket)
    connections.heard()
    const { refusal } = request
    duplex.on('error', () => duplex.destroy())
    if (refusal === null) upgrades.emit('upgrade', request, duplex, head)
    else turns.enter(arrivals.participant(addressOf(request), false), () => turnAway(request, duplex, refusal))
  })
  return upgrades

  function turnAway(request: Asked, duplex: Duplex, refusal: ErrorCode): void {
    const { method = 'GET', url = '/' } = request
    if (refusal === 'too-many-requests') onRefused(refusal)
    count({ method, path: url.split('?', 1)[0] ?? url, status: statusOf(refusal), since: parts.clock.now() })
    if (request.isAlone) tell(duplex, refusal)
    // the answers to those before it would have to come first
    else duplex.destroy()
  }
}

/** How long a client has to read why it was refused, in ms. */
const farewellMs = 1_000

function tell(duplex: Duplex, code: ErrorCode): void {
  const timer = setTimeout(() => duplex.destroy(), farewellMs)
  duplex.once('close', () => clearTimeout(timer))
  const body = JSON.stringify({ error: { code, message: errorSentences[code] } })
  const headers = { ...bareHeaders, 'Content-Length': Buffer.byteLength(body), Connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const status = statusOf(code)
  // what it still sends is not read
  duplex.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`, () => duplex.destroy())
}
