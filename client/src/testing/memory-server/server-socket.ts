import { closeCode, isDocumentName, messageType } from '@tidemark/shared'
import { denialFrame, type Header, readHeader } from './frames.ts'
import { ServerSession, type SessionMeans } from './session.ts'

/** The server's end of a connection, as the network hands it over. */
export interface ServerEnd {
  send(frame: Uint8Array): void
  close(code: number, reason: string): void
}

const pong = Uint8Array.of(messageType.pong)

/** One client's socket with the sessions on it. */
export class ServerSocket {
  readonly sessions = new Map<string, ServerSession>()
  readonly #end: ServerEnd
  readonly #means: Omit<SessionMeans, 'send'>

  constructor(end: ServerEnd, means: Omit<SessionMeans, 'send'>) {
    this.#end = end
    this.#means = means
  }

  receive(frame: Uint8Array): void {
    if (frame.byteLength === 1) {
      if (frame[0] === messageType.ping) this.#end.send(pong)
      return
    }
    let header: Header
    try {
      header = readHeader(frame)
    } catch {
      this.close(closeCode.malformed, 'message-malformed')
      return
    }
    // what comes before a session's authentication, or after its end, is a leftover of an earlier session
    const session =
      this.sessions.get(header.address) ?? (header.type === messageType.auth ? this.#open(header.address) : null)
    session?.receive(header)
  }

  close(code: number, reason: string): void {
    this.closed()
    this.#end.close(code, reason)
  }

  /** The line is gone. */
  closed(): void {
    for (const session of [...this.sessions.values()]) session.leave()
  }

  #open(address: string): ServerSession | null {
    const separator = address.indexOf('\0')
    const name = separator === -1 ? address : address.slice(0, separator)
    if (!isDocumentName(name)) {
      this.#end.send(denialFrame(address, 'document-name-invalid'))
      return null
    }
    const session = new ServerSession(address, name, {
      ...this.#means,
      send: (frame) => this.#end.send(frame),
      ended: (ended) => {
        if (this.sessions.get(address) === ended) this.sessions.delete(address)
        this.#means.ended(ended)
      },
    })
    this.sessions.set(address, session)
    return session
  }
}
