import type { CloseEvent } from '@hocuspocus/common'
import { closeCode, type ErrorCode } from '@tidemark/shared'
import type { TidemarkHocuspocus } from '../documents/hocuspocus.ts'
import { Participant, type Turns } from '../fairness/turns.ts'
import type { ConnectionContext } from './context.ts'
import type { Gate } from './gate.ts'
import type { ServedSocket, Sockets } from './sockets.ts'
import type { Transport } from './transport.ts'

export interface ServeParts {
  hocuspocus: TidemarkHocuspocus
  sockets: Sockets
  turns: Pick<Turns, 'enter'>
  /** @param from the client's address */
  makeGate(transport: Transport, from: string): Gate
  onRefused(code: ErrorCode, cause?: unknown): void
}

// Hocuspocus asks for a web Request; what it reads of it is empty here, so that no hook ever sees a token in a URL
const request = { url: '', headers: new Headers() } as Request

/** Hands an accepted socket, through its gate, to Hocuspocus. `address` puts a client's frame into Hocuspocus's framing. */
export function serveSocket(
  socket: ServedSocket,
  transport: Transport,
  { hocuspocus, sockets, turns, makeGate, onRefused }: ServeParts,
  from: string,
  address: (frame: Buffer) => Uint8Array = (frame) => frame,
): Gate {
  const gate = makeGate(transport, from)
  const context: ConnectionContext = { gate }
  const client = hocuspocus.handleConnection(gate, request, context)
  withoutPrototypes(client)
  gate.attach(client.handleMessage)
  sockets.add(socket, gate)
  const participant = new Participant((isWaiting) => gate.reading.set('turn', isWaiting))
  const receive = (data: Buffer, isBinary: boolean): void => {
    if (isBinary) {
      gate.receive(address(data))
      return
    }
    onRefused('message-malformed')
    gate.close(closeCode.malformed, 'message-malformed')
  }
  socket.on('message', (data: Buffer, isBinary: boolean) => turns.enter(participant, () => receive(data, isBinary)))
  socket.on('error', (cause) => onRefused(codeOf(cause), cause))
  socket.on('close', (code, reason) => {
    sockets.remove(socket)
    // behind what it sent before
    turns.enter(participant, () => {
      client.handleClose({ code, reason: reason.toString() } satisfies CloseEvent)
      gate.closed()
    })
  })
  return gate
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
