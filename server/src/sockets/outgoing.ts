import { closeCode, consequenceOf, errorCodeFromReason, messageType } from '@tidemark/shared'
import type { Documents } from '../documents/documents.ts'
import type { Answers } from './answers.ts'
import type { Echoes } from './echoes.ts'
import * as frames from './frames.ts'
import type { HeaderReader } from './header-reader.ts'
import type { Questions } from './questions.ts'
import type { Rights } from './rights.ts'
import type { Removal } from './room.ts'
import type { Session } from './session.ts'
import type { Transport } from './transport.ts'

export interface OutgoingParts {
  transport: Transport
  documents: Documents
  sessions: ReadonlyMap<string, Session>
  headers: HeaderReader
  echoes: Echoes
  answers: Answers
  questions: Questions
  rights: Rights
  /** A session is over. */
  end(address: string): void
  removed(removal: Removal): void
}

/** What Hocuspocus writes to a client: acks are held back, echoes are left out, refusals get their reason. */
export class Outgoing {
  readonly #parts: OutgoingParts

  constructor(parts: OutgoingParts) {
    this.#parts = parts
  }

  send(frame: Uint8Array): void {
    const { transport, echoes, questions, rights } = this.#parts
    rights.look()
    const type = frames.typeOf(frame)
    if (type !== messageType.close && type !== messageType.auth && rights.withholds(frame)) return
    switch (type) {
      case messageType.syncStatus:
        this.#answer(frame)
        return
      case messageType.auth:
        this.#passAuthentication(frame)
        return
      case messageType.close:
        transport.send(frame)
        this.#parts.end(frames.readHeader(frame).address)
        return
      case messageType.sync:
        if (echoes.take(frame) || this.#isOfFaulty(frame) || questions.hold(frame)) return
        transport.send(frame)
        return
      default:
        transport.send(frame)
    }
  }

  /** What a document cannot keep does not go to the others either: they would send it again. */
  #isOfFaulty(frame: Uint8Array): boolean {
    const { documents } = this.#parts
    if (!documents.hasFaulty) return false
    const { documentName } = frames.parseAddress(frames.readHeader(frame).address)
    return documents.get(documentName)?.fault != null
  }

  #answer(frame: Uint8Array): void {
    const { headers, sessions, answers, transport } = this.#parts
    const { address, decoder } = headers.read(frame)
    const session = sessions.get(address)
    const status = { isSaved: frames.readSyncStatus(decoder), frame }
    const write = session?.writes[0]
    if (!session || !answers.hold(session, status)) transport.close(closeCode.reset, 'connection-lost')
    else if (write?.kind === 'passed' && write.claims?.deletions.clients.size) {
      const size = this.#parts.documents.get(session.documentName)?.size
      if (size?.isWaitedFor) this.#parts.removed({ session, claims: write.claims })
    }
  }

  #passAuthentication(frame: Uint8Array): void {
    const { transport, sessions } = this.#parts
    const { address, decoder } = frames.readHeader(frame)
    const reason = frames.readDenial(decoder)
    if (reason === null) {
      transport.send(frame)
      return
    }
    const code = errorCodeFromReason(reason, 'permission-denied')
    // A stock provider gives up on a denial for good; what will pass is told by closing, which it retries.
    if (!sessions.get(address)?.isTidemark && consequenceOf(code) === 'retry') {
      transport.close(closeCode.tryAgainLater, code)
      return
    }
    transport.send(frame)
    this.#parts.end(address)
  }
}
