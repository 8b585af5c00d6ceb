import { encodeInSlices, type Pace } from '@tidemark/shared'
import * as Y from 'yjs'
import type { Documents } from '../documents/documents.ts'
import { inTurns } from '../documents/pace.ts'
import * as frames from './frames.ts'
import type { Session } from './session.ts'
import type { Transport } from './transport.ts'

/** How much of each client's edits somebody has: what a question (step 1) says. */
export type Known = ReadonlyMap<number, number>

export interface QuestionsParts {
  transport: Transport
  documents: Documents
  /** Whether the session is still the one on its address. */
  isCurrent(session: Session): boolean
  /** The answer could not be made: the session cannot go on. */
  failed(session: Session, cause: unknown): void
}

/** Hocuspocus answers for smaller documents itself; in bytes. */
const largeDocument = 512 * 1024

/**
 * The answers to a socket's questions for what it lacks (R6.12): Hocuspocus encodes a document in one go, which takes a
 * second for 60 MB, and everybody on the server waits for it. Here large ones are encoded in turns.
 */
export class Questions {
  readonly #parts: QuestionsParts
  readonly #asked = new WeakMap<Uint8Array, Known>()
  /** The sessions that wait for an answer, and what was sent to them since they asked: it comes behind the answer. */
  readonly #waiting = new Map<Session, Uint8Array[]>()

  constructor(parts: QuestionsParts) {
    this.#parts = parts
  }

  /** The session has asked; Hocuspocus comes back with the frame when all that it got before is done. */
  note(session: Session, frame: Uint8Array, known: Known): void {
    session.lastQuestion = frame
    this.#asked.set(frame, known)
  }

  /**
   * Hocuspocus is about to handle a frame of the session; what comes after it waits for the promise. A question that is
   * answered here, or was asked anew meanwhile, is turned into a frame that asks for nothing.
   */
  beforeHandling(session: Session, document: Y.Doc, frame: Uint8Array): Promise<void> {
    const known = this.#asked.get(frame)
    if (!known) return nothing
    // of several the last one is answered: it knows the most
    if (session.lastQuestion !== frame) {
      frames.makeEmpty(frame)
      return nothing
    }
    const open = this.#parts.documents.get(session.documentName)
    if (open?.document !== document) return nothing
    // nobody gets a part of an update
    if (open.applying) return this.#later(open.applying, session, document, frame)
    if (open.size.bytes < largeDocument) return nothing
    return this.#instead(session, document, frame, known)
  }

  async #later(applied: Promise<void>, session: Session, document: Y.Doc, frame: Uint8Array): Promise<void> {
    await applied.catch(() => {})
    await this.beforeHandling(session, document, frame)
  }

  async #instead(session: Session, document: Y.Doc, frame: Uint8Array, known: Known): Promise<void> {
    const held: Uint8Array[] = []
    this.#waiting.set(session, held)
    try {
      await this.#answerInTurns(session, document, known)
      for (const late of held) this.#parts.transport.send(late)
    } catch (cause) {
      if (cause !== gone) this.#parts.failed(session, cause)
    } finally {
      this.#waiting.delete(session)
    }
    frames.makeEmpty(frame)
  }

  async #answerInTurns(session: Session, document: Y.Doc, known: Known): Promise<void> {
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

const nothing = Promise.resolve()
const gone = Symbol('the session has ended')
