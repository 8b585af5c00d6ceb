import { encodeInSlices, type Pace } from '@tidemark/shared'
import * as Y from 'yjs'
import type { Documents } from '../documents/documents.ts'
import { inTurns } from '../documents/pace.ts'
import { answerSize } from './answer-size.ts'
import * as frames from './frames.ts'
import type { Room } from './outgoing-total.ts'
import type { Session } from './session.ts'
import { type Known, readInTurns } from './state-vectors.ts'
import type { Transport } from './transport.ts'

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
/** So much it may answer in one turn of the event loop, for all who ask, in bytes. */
const answeredInTurn = 1024 * 1024

let answered = 0

/** Notes an answer that Hocuspocus is to make in this turn. @returns false when it is for a later one */
function mayAnswerNow(bytes: number): boolean {
  if (answered === 0) {
    setImmediate(() => {
      answered = 0
    })
  }
  if (answered > 0 && answered + bytes > answeredInTurn) return false
  answered += Math.max(1, bytes)
  return true
}

/** The answer that is being built on this server, and those behind it. */
let builds: Promise<void> | null = null

/** One at a time: each takes its part of each turn of the event loop, and twenty would take twenty. */
async function oneAtATime(build: () => Promise<void>): Promise<void> {
  const before = builds
  const { promise, resolve } = Promise.withResolvers<void>()
  builds = promise
  if (before) await before
  await build().finally(() => {
    if (builds === promise) builds = null
    resolve()
  })
}

/** An answer that is not made by Hocuspocus. */
interface Answer {
  known: Known
  /** Null while it waits for room, or for others' to be built. */
  building: { readonly room: Room; readonly done: Promise<void>; readonly held: Uint8Array[] } | null
}

/**
 * The answers to a socket's questions for what it lacks (R6.12): Hocuspocus encodes a document in one go, which takes a
 * second for 60 MB, and everybody on the server waits for it. Here large ones are encoded in turns, and those for which
 * there is no room when there is (R6.42); one at a time for each session.
 */
export class Questions {
  readonly #parts: QuestionsParts
  readonly #asked = new WeakMap<Uint8Array, Known | Uint8Array>()
  readonly #answers = new Map<Session, Answer>()
  /** Those whose question is answered in this turn of the event loop. */
  readonly #answeredNow = new Set<Session>()

  constructor(parts: QuestionsParts) {
    this.#parts = parts
  }

  /** The session has asked; Hocuspocus comes back with the frame when all that it got before is done. */
  note(session: Session, frame: Uint8Array, known: Known | Uint8Array): void {
    session.lastQuestion = frame
    this.#asked.set(frame, known)
  }

  /**
   * Hocuspocus is about to handle a frame of the session; what comes after it waits for the promise. A question that is
   * answered here, or was asked anew meanwhile, is turned into a frame that asks for nothing.
   */
  beforeHandling(session: Session, document: Y.Doc, frame: Uint8Array): Promise<void> {
    const asked = this.#asked.get(frame)
    if (!asked) return nothing
    // of several the last one is answered: it knows the most
    if (session.lastQuestion === frame) return this.#handle(session, document, frame, asked)
    frames.makeEmpty(frame)
    return nothing
  }

  async #handle(session: Session, document: Y.Doc, frame: Uint8Array, asked: Known | Uint8Array): Promise<void> {
    const { documents, transport } = this.#parts
    const open = documents.get(session.documentName)
    if (open?.document !== document) return
    // of many that come together the first is answered, and then the last of each turn
    while (this.#answeredNow.has(session)) await new Promise(setImmediate)
    if (session.lastQuestion !== frame) {
      frames.makeEmpty(frame)
      return
    }
    this.#answeredNow.add(session)
    setImmediate(() => this.#answeredNow.delete(session))
    const isLong = asked instanceof Uint8Array
    const known = isLong ? await readInTurns(asked, inTurns()) : asked
    if (session.lastQuestion !== frame) {
      frames.makeEmpty(frame)
      return
    }
    // nobody gets a part of an update
    while (open.applying) await open.applying.catch(() => {})
    const { building } = this.#answers.get(session) ?? {}
    if (building) await building.done
    const underWay = this.#answers.get(session)
    if (underWay) {
      underWay.known = known
      frames.makeEmpty(frame)
      return
    }
    const whole = open.size.bytes
    const isLarge = isLong || whole >= largeDocument
    const bytes = isLarge ? answerSize(document, known, whole) : whole
    while (!isLarge && !mayAnswerNow(bytes)) await new Promise(setImmediate)
    const room = transport.room(bytes)
    if (room && !isLarge) {
      // Hocuspocus makes it in this turn
      setImmediate(room.leave)
      return
    }
    frames.makeEmpty(frame)
    const answer: Answer = { known, building: null }
    this.#answers.set(session, answer)
    if (room && builds === null) await this.#begin(session, document, answer, room)
    else if (room) void this.#begin(session, document, answer, room)
    // what the session sends meanwhile does not wait for it
    else void this.#whenRoom(session, document, answer, bytes)
  }

  async #whenRoom(session: Session, document: Y.Doc, answer: Answer, bytes: number): Promise<void> {
    const room = await this.#parts.transport.whenRoom(bytes)
    if (room) await this.#begin(session, document, answer, room)
    else this.#answers.delete(session)
  }

  #begin(session: Session, document: Y.Doc, answer: Answer, room: Room): Promise<void> {
    return oneAtATime(async () => {
      const { promise: done, resolve } = Promise.withResolvers<void>()
      const held: Uint8Array[] = []
      answer.building = { room, done, held }
      await this.#build(session, document, answer.known, { room, held })
      resolve()
    })
  }

  async #build(
    session: Session,
    document: Y.Doc,
    known: Known,
    { room, held }: { room: Room; held: readonly Uint8Array[] },
  ): Promise<void> {
    try {
      await this.#answerInTurns(session, document, known, room)
      for (const late of held) this.#parts.transport.send(late)
    } catch (cause) {
      if (cause !== gone) this.#parts.failed(session, cause)
    } finally {
      room.leave()
      this.#answers.delete(session)
    }
  }

  async #answerInTurns(session: Session, document: Y.Doc, known: Known, room: Room): Promise<void> {
    const { transport, isCurrent } = this.#parts
    const pace = inTurns()
    const patient: Pace = {
      isOver: pace.isOver,
      async rest() {
        await pace.rest()
        if (!transport.isOpen || !isCurrent(session) || document.isDestroyed) throw gone
      },
    }
    if (!isCurrent(session) || document.isDestroyed) return
    const { update, pending } = await encodeInSlices(document, patient, known, frames.frameRoom)
    await patient.rest()
    // it counts as what waits from now on
    room.leave()
    // in the order of Hocuspocus, and not before: its client takes the acknowledgement of what it sends for the end of the
    // handshake, and has to have the document by then (R4.4)
    transport.send(frames.questionFrame(session.address, Y.encodeStateVector(document)))
    transport.send(frames.answerFrame(session.address, update))
    if (pending) transport.send(frames.updateFrame(session.address, pending))
  }

  /** Keeps a frame for a session whose answer is being built. @returns false when nobody on this socket has one */
  hold(frame: Uint8Array): boolean {
    if (this.#answers.size === 0) return false
    const { address } = frames.readHeader(frame)
    for (const [session, { building }] of this.#answers) {
      if (!building || session.address !== address || !this.#parts.isCurrent(session)) continue
      building.held.push(frame)
      building.room.grow(frame.byteLength)
      return true
    }
    return false
  }
}

const nothing = Promise.resolve()
const gone = Symbol('the session has ended')
