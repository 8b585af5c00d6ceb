import { closeCode } from '@tidemark/shared'
import { inTurns } from '../documents/pace.ts'
import type { Reading } from './reading.ts'
import type { Session } from './session.ts'
import type { Transport } from './transport.ts'

export interface EarlyParts {
  transport: Transport
  reading: Reading
  limits: {
    /** The largest message of somebody who is signed in. */
    messageBytes: number
    documentsPerSocket: number
  }
  /** Reads a frame of a session whose document is open. */
  take(session: Session, frame: Uint8Array): void
}

/** A token with its envelope and its address, in bytes: a stranger has nothing else to say. */
export const strangersMessage = 72 * 1024
/** Behind a token comes what its client asks for; of a document with a long history that is long. In bytes. */
const messageBehindToken = 1024 * 1024
/** How much may wait for documents that are being opened before the socket is read no further, in bytes. */
const mostHeld = 4 * 1024 * 1024
/** Frames that a stranger may send in vain, beside two for each document. */
const strangersFrames = 100
/** What a frame that waits costs beside its bytes. */
export const costOfFrame = 256

/**
 * What a socket sends before its sessions are open (R6.21): it waits unread, because nobody knows yet whose it is, nor how
 * large the document is that it is for.
 */
export class Early {
  readonly #parts: EarlyParts
  #held = 0
  #isStranger = true
  /** Frames that led to no session since somebody was let in last. */
  #dropped = 0

  constructor(parts: EarlyParts) {
    this.#parts = parts
    this.standingChanged(false, 0)
  }

  /** A session has begun, was let in, or has ended. */
  standingChanged(isAuthenticated: boolean, sessions: number): void {
    const { transport, reading } = this.#parts
    const { messageBytes } = this.#parts.limits
    const isBeingChecked = !isAuthenticated && sessions > 0
    reading.set('token', isBeingChecked)
    const largest = isBeingChecked ? messageBehindToken : strangersMessage
    this.#isStranger = !isAuthenticated
    if (isAuthenticated) this.#dropped = 0
    transport.limitMessages(isAuthenticated ? messageBytes : Math.min(largest, messageBytes))
  }

  hold({ early }: Session, frame: Uint8Array): void {
    if (!early) return
    early.frames.push(frame)
    this.#count(early, frame.byteLength + costOfFrame)
  }

  /** A frame led to no session: of a stranger there are few. */
  drop(): void {
    const { limits, transport } = this.#parts
    this.#dropped++
    if (!this.#isStranger || this.#dropped <= 2 * limits.documentsPerSocket + strangersFrames) return
    transport.close(closeCode.authenticationTimeout, 'authentication-timeout')
  }

  /** The session's document is open: what waits is read in turns; what comes in meanwhile goes behind it. */
  async release(session: Session): Promise<void> {
    const { early } = session
    if (!early) return
    const pace = inTurns()
    for (let at = 0; session.early && at < early.frames.length; at++) {
      const frame = early.frames[at] as Uint8Array
      this.#count(early, -frame.byteLength - costOfFrame)
      this.#parts.take(session, frame)
      if (pace.isOver()) await pace.rest()
    }
    this.forget(session)
  }

  forget(session: Session): void {
    if (session.early) this.#count(session.early, -session.early.bytes)
    session.early = null
  }

  #count(early: { bytes: number }, bytes: number): void {
    early.bytes += bytes
    this.#held += bytes
    this.#parts.reading.set('early', this.#held > mostHeld)
  }
}
