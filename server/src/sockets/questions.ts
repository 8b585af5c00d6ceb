import { encodeInSlices, type Pace } from '@tidemark/shared'
import * as Y from 'yjs'
import type { Documents } from '../documents/documents.ts'
import { inTurns } from '../documents/pace.ts'
import * as frames from './frames.ts'
import type { Session } from './session.ts'
import type { Transport } from './transport.ts'

/** A client's question for what it lacks (step 1): the frame, and how much of each client's edits it says it has. */
export interface Question {
  readonly frame: Uint8Array
  readonly known: ReadonlyMap<number, number>
}

export interface QuestionsParts {
  transport: Transport
  documents: Documents
  /** Whether the session is still the one on its address. */
  isCurrent(session: Session): boolean
  /** The answer could not be made: the session cannot go on. */
  failed(session: Session, cause: unknown): void
}

/** Hocuspocus answers for smaller documents, at once; in bytes. */
const largeDocument = 512 * 1024

/**
 * The answers to a socket's questions (R6.12): Hocuspocus encodes a document in one go, which takes a second for 60 MB,
 * and everybody on the server waits for it. Here large ones are encoded in turns.
 */
export class Questions {
  readonly #parts: QuestionsParts
  /** The sessions that wait for an answer, and what was sent to them since they asked: it comes behind the answer. */
  readonly #waiting = new Map<Session, Uint8Array[]>()

  constructor(parts: QuestionsParts) {
    this.#parts = parts
  }

  /** A session whose document is not open yet is answered when it is; of several questions the last one counts. */
  ask(session: Session, question: Question): void {
    session.question = question
    this.answer(session)
  }

  /** Answers what the session has asked, if its document is open. */
  answer(session: Session): void {
    const { question, connection } = session
    if (!question || !connection || this.#waiting.has(session)) return
    session.question = null
    const open = this.#parts.documents.get(session.documentName)
    if (open?.document !== connection.document || open.size.bytes < largeDocument) {
      connection.handleMessage(question.frame)
      return
    }
    const held: Uint8Array[] = []
    this.#waiting.set(session, held)
    this.#answerInTurns(session, connection.document, question)
      .then(
        () => {
          for (const frame of held) this.#parts.transport.send(frame)
        },
        (cause) => {
          if (cause !== gone) this.#parts.failed(session, cause)
        },
      )
      .finally(() => {
        this.#waiting.delete(session)
        this.answer(session)
      })
  }

  async #answerInTurns(session: Session, document: Y.Doc, { known }: Question): Promise<void> {
    const { transport, isCurrent } = this.#parts
    const pace = inTurns()
    const patient: Pace = {
      isOver: pace.isOver,
      async rest() {
        await pace.rest()
        if (!transport.isOpen || !isCurrent(session) || document.isDestroyed) throw gone
      },
    }
    // in the order of Hocuspocus: what the client has that we lack is wanted at once
    transport.send(frames.questionFrame(session.address, Y.encodeStateVector(document)))
    const { update, pending } = await encodeInSlices(document, patient, known, frames.frameRoom)
    await patient.rest()
    transport.send(frames.answerFrame(session.address, update))
    if (pending) transport.send(frames.updateFrame(session.address, pending))
  }

  /** Keeps a frame for a session that waits for an answer. @returns false when nobody on this socket does */
  hold(frame: Uint8Array): boolean {
    if (this.#waiting.size === 0) return false
    const { address } = frames.readHeader(frame)
    for (const [session, held] of this.#waiting) {
      if (session.address !== address || !this.#parts.isCurrent(session)) continue
      held.push(frame)
      return true
    }
    return false
  }
}

const gone = Symbol('the session has ended')
