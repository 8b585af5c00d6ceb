import { type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Asked, isAsking } from './asked.ts'
import type { Connections } from './connections.ts'

/**
 * Answers what is no HTTP, or none that is served here, as Node does by itself; but it is heard of (R6.41): an error costs more
 * than an answer, and a thousand in one turn took a third of a second.
 */
export function answerNonsense(
  server: Server<typeof Asked, typeof ServerResponse>,
  connections: Pick<Connections, 'heard'>,
): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    connections.heard()
    // an answer to another request may be half sent
    if (socket.writable && !isAsking(socket)) socket.write(farewell(statusOf(error.code)))
    socket.destroy()
  })
  server.on('checkExpectation', (request, response) => {
    connections.heard()
    response.once('close', () => request.answered())
    response.writeHead(417, { Connection: 'close' }).end()
  })
  server.on('connect', (_, socket) => {
    connections.heard()
    socket.destroy()
  })
}

function statusOf(code: string | undefined): number {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 431
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 413
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408
    default:
      return 400
  }
}

const farewell = (status: number): string => `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`
