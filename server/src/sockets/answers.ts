import { type ErrorCode, errorSentences } from '@tidemark/shared'
import type { Documents } from '../documents/documents.ts'
import type { OpenDocument } from '../documents/open-document.ts'
import { costOfEdit } from '../journal/journal.ts'
import { type Claims, isApplied } from './claims.ts'
import * as frames from './frames.ts'
import { keepHeldBack } from './held-back.ts'
import type { PassedWrite, Session } from './session.ts'
import type { Transport } from './transport.ts'

export interface AnswersParts {
  transport: Transport
  documents: Documents
  /** Whether the session is still the one on its address. */
  isCurrent(session: Session): boolean
  report(session: Session, code: ErrorCode, cause?: unknown): void
  /** An edit broke the document in memory: it takes edits, and they are not stored. */
  broken(documentName: string, claims: Claims | null): void
  /** An edit of the session began to wait for the database; negative: it waits no longer. In bytes, with what it costs. */
  waits(session: Session, bytes: number): void
}

/**
 * The answers to a socket's edits (R1): each edit gets one SyncStatus, in the order of the edits, and none of them
 * before the journal has committed all that was appended when it was due.
 */
export class Answers {
  readonly #parts: AnswersParts

  constructor(parts: AnswersParts) {
    this.#parts = parts
  }

  /** A refusal is an answer too: it waits its turn behind the answers to earlier edits (R1.2). */
  refuse(session: Session, code: ErrorCode, cause?: unknown): void {
    this.#parts.report(session, code, cause)
    session.writes.push({ kind: 'refused', code })
    if (session.writes.length === 1) this.#answerRefusals(session)
  }

  /**
   * Holds the SyncStatus that Hocuspocus wrote until what it answers is durable.
   * @returns false when it answers an edit in an object that has left memory, which would be a lie (R1.6)
   */
  hold(session: Session, status: { isSaved: boolean; frame: Uint8Array }): boolean {
    const write = session.writes.shift()
    const open = this.#parts.documents.get(session.documentName)
    if (write?.kind !== 'passed' || !open || open.document.isDestroyed) return false
    // Nothing more of it is stored; or Yjs threw in its clean-up, and from now on it emits no update: what is applied
    // would be acknowledged, and not stored.
    if (open.fault || open.document._transactionCleanups.length > 0) {
      this.#parts.broken(session.documentName, write.claims)
      return true
    }
    const decided = write.fault
    const fault = decided !== undefined ? decided : status.isSaved ? this.#faultOf(open, session, write) : 'read-only'
    if (fault === null) {
      // of one that was decided before, Hocuspocus saw nothing
      const frame = decided === null ? frames.statusFrame(session.address, true) : status.frame
      this.#whenDurable(session, () => this.#parts.transport.send(frame), write.update.byteLength + costOfEdit)
    } else {
      this.#parts.report(session, fault)
      this.#whenDurable(session, () => this.#sendRefusal(session, fault))
    }
    this.#answerRefusals(session)
    return true
  }

  #answerRefusals(session: Session): void {
    for (let next = session.writes[0]; next?.kind === 'refused'; next = session.writes[0]) {
      const { code } = next
      session.writes.shift()
      this.#whenDurable(session, () => this.#sendRefusal(session, code))
    }
  }

  #sendRefusal({ address }: Session, code: ErrorCode): void {
    const { transport } = this.#parts
    transport.send(frames.statelessFrame(address, { tidemark: 'error', code, message: errorSentences[code] }))
    transport.send(frames.statusFrame(address, false))
  }

  /** What is wrong with an edit that Hocuspocus took; null when it is in the document, or waits there for others. */
  #faultOf(open: OpenDocument, session: Session, { update, claims }: PassedWrite): ErrorCode | null {
    if (!claims) return 'internal'
    if (isApplied(open.document, claims)) return null
    return keepHeldBack(this.#parts.documents, open, { update, claims }, session.access?.userId ?? null)
  }

  /**
   * What is being applied in turns is in memory and not in the journal yet, and an edit that brings the same once more finds it
   * there: whatever is answered meanwhile waits for it, in its order (R1.10).
   */
  #whenDurable(session: Session, release: () => void, bytes = costOfEdit): void {
    const open = this.#parts.documents.get(session.documentName)
    // a refusal in a session whose document is not open
    if (!open) {
      release()
      return
    }
    if (!open.applying && !session.delayed) {
      this.#whenCommitted(open, session, release, bytes)
      return
    }
    const delayed = (session.delayed ?? Promise.resolve())
      .then(() => open.applying)
      .catch(() => {})
      .then(() => {
        if (session.delayed === delayed) session.delayed = null
        // a document that was given up meanwhile answers nothing
        if (open.document.isDestroyed || open.fault || !this.#parts.isCurrent(session)) return
        this.#whenCommitted(open, session, release, bytes)
      })
    session.delayed = delayed
  }

  #whenCommitted({ line }: OpenDocument, session: Session, release: () => void, bytes: number): void {
    if (line.isDurable) line.whenDurable(release)
    else {
      this.#parts.waits(session, bytes)
      line.whenDurable(() => {
        if (!this.#parts.isCurrent(session)) return
        this.#parts.waits(session, -bytes)
        if (this.#parts.transport.isOpen) release()
      })
    }
  }
}
