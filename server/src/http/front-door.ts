import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type ErrorCode, errorSentences } from '@tidemark/shared'
import type { Arrivals } from '../fairness/arrivals.ts'
import type { Turns } from '../fairness/turns.ts'
import type { Asked } from './asked.ts'
import type { Connections } from './connections.ts'
import { bareHeaders } from './headers.ts'
import type { AppParts } from './parts.ts'
import { requestCounter } from './request-counter.ts'

export interface FrontDoorParts extends Pick<AppParts, 'network' | 'readiness' | 'metrics' | 'clock' | 'log'> {
  arrivals: Pick<Arrivals, 'request' | 'participant'>
  turns: Pick<Turns, 'enter'>
  connections: Pick<Connections, 'heard' | 'leave'>
  /** The address of the client, also behind a proxy. */
  addressOf(request: IncomingMessage): string
  onRefused(code: ErrorCode): void
}

/**
 * Where each request comes in (W10), in turns with all others. Health is answered, and whoever asks too often is refused,
 * without the rest of the app.
 */
export function frontDoor(parts: FrontDoorParts, app: RequestListener): RequestListener<typeof Asked> {
  const { arrivals, turns, connections, network, readiness, clock, addressOf, onRefused } = parts
  const count = requestCounter(parts)
  /** When something was asked first on a connection, in Unix time in ms. */
  const begun = new WeakMap<Socket, number>()

  return (request, response) => {
    connections.heard()
    response.once('close', () => request.answered())
    const since = clock.now()
    const address = addressOf(request)
    const waitMs = arrivals.request(address)
    const began = begun.get(request.socket) ?? since
    if (began === since) begun.set(request.socket, since)
    turns.enter(arrivals.participant(address, since - began >= knownAfterMs), () => {
      if (!response.destroyed) take(request, response, waitMs, since)
    })
  }

  function take(request: IncomingMessage, response: ServerResponse, waitMs: number, since: number): void {
    const { method = 'GET', url = '/' } = request
    const at = url.indexOf('?')
    const path = at === -1 ? url : url.slice(0, at)
    const answer = (status: number, body: object, headers: Headers = {}): void => {
      send(response, status, body, waitMs > 0 ? { ...headers, Connection: 'close' } : headers)
      count({ method, path, status, since })
    }
    const isHealth = (path === '/livez' || path === '/readyz') && isBare(method, request)
    // A refusal would cost no less. A proxy that hands on somebody's flood under its own address is not told that the server
    // is ill.
    if (isHealth && network.isHostAllowed(request.headers.host)) {
      if (path === '/livez') answer(200, alive)
      else void readiness().then((state) => answer(state.ready ? 200 : 503, state))
      return
    }
    if (waitMs > 0) {
      onRefused('too-many-requests')
      answer(429, tooMany, { 'Retry-After': String(Math.ceil(waitMs / 1000)) })
      return
    }
    app(request, response)
  }
}

/** From then on a connection is no part of a flood that begins. */
const knownAfterMs = 1_000

/** Whether there is nothing to be read behind its headers. */
const isBare = (method: string, { headers }: IncomingMessage): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  headers['transfer-encoding'] === undefined &&
  headers['content-length'] === undefined

type Headers = Readonly<Record<string, string>>

const alive = { alive: true }
const tooMany = { error: { code: 'too-many-requests', message: errorSentences['too-many-requests'] } }

function send(response: ServerResponse, status: number, body: object, headers: Headers): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { ...bareHeaders, 'Content-Length': Buffer.byteLength(text), ...headers })
  response.end(text)
}
