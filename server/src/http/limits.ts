import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Arrivals } from '../fairness/arrivals.ts'
import { Asked } from './asked.ts'
import type { Connections } from './connections.ts'

/** What a client of HTTP may take: its time, its headers, its connections. Sockets have limits of their own. */
export const httpOptions = {
  IncomingMessage: Asked,
  maxHeaderSize: 16 * 1024,
  /** In ms, each; whoever sends a letter a second does not keep a connection. */
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
} as const

/** Connections beside those of sockets, in all and of one address: pages, health, API. */
const besideSockets = { ofAll: 2_000, ofAddress: 1_000 }
/** Whoever asks and does not read the answer does not keep a connection, in ms. */
const longestSilence = 30_000

export interface ConnectionLimits {
  sockets: number
  socketsPerAddress: number
}

export const connectionsOfAddress = ({ socketsPerAddress }: ConnectionLimits): number =>
  socketsPerAddress + besideSockets.ofAddress

/** @param addressOf where a connection comes from; null for a trusted proxy's, of which there may be any number */
export function limitConnections(
  server: Server<typeof Asked, typeof ServerResponse>,
  limits: ConnectionLimits,
  arrivals: Pick<Arrivals, 'connect'>,
  connections: Pick<Connections, 'add'>,
  addressOf: (socket: Socket) => string | null,
): void {
  server.maxConnections = limits.sockets + besideSockets.ofAll
  server.maxHeadersCount = 100
  server.maxRequestsPerSocket = 10_000
  // of WebSockets it is taken off
  server.timeout = longestSilence
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    const address = addressOf(socket)
    if (address === null) return
    const left = arrivals.connect(address)
    // an answer would cost as much as what it refuses
    if (left === null) socket.resetAndDestroy()
    else socket.once('close', left)
  })
}
