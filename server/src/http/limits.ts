import type { Server } from 'node:http'
import { TidemarkError } from '@tidemark/shared'
import type { MiddlewareHandler } from 'hono'
import { answerFailure } from './failures.ts'

/** No route takes more than a few lines, in bytes. */
const largestBody = 16 * 1024

/** What a client of HTTP may take: its time, its headers, its connections. Sockets have limits of their own. */
export const httpOptions = {
  maxHeaderSize: 16 * 1024,
  /** In ms, each; whoever sends a letter a second does not keep a connection. */
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
} as const

/** Connections beside those of sockets: pages, health, API. */
const besideSockets = 2_000

export function limitConnections(server: Server, sockets: number): void {
  server.maxConnections = sockets + besideSockets
  server.maxHeadersCount = 100
  server.maxRequestsPerSocket = 10_000
}

/** Refuses requests with a larger body than any route takes, or one of unknown length, before it is read. */
export function refuseBodies(): MiddlewareHandler {
  return async (context, next) => {
    const length = context.req.header('content-length')
    const isUnknown = context.req.header('transfer-encoding') !== undefined
    if (isUnknown || (length !== undefined && Number(length) > largestBody)) {
      // the rest of it is not waited for
      context.header('Connection', 'close')
      return answerFailure(context, new TidemarkError('message-too-large', 'The request is too large.'))
    }
    await next()
  }
}
