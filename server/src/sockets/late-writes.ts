import type { Connection } from '@hocuspocus/server'
import type { ErrorCode, Pace } from '@tidemark/shared'
import type { Documents } from '../documents/documents.ts'
import { examine } from '../documents/examine.ts'
import type { OpenDocument } from '../documents/open-document.ts'
import { inTurns } from '../documents/pace.ts'
import { TooComplex } from '../documents/scan.ts'
import type { StructureLimits } from '../documents/structure.ts'
import { type Claims, isApplied } from './claims.ts'
import { costOfFrame } from './early.ts'
import * as frames from './frames.ts'
import { keepHeldBack } from './held-back.ts'
import { type Circumstances, judge, type Verdict } from './inspect.ts'
import type { Reading } from './reading.ts'
import type { PassedWrite, Session } from './session.ts'

export interface LateWritesParts {
  documents: Documents
  limits: StructureLimits & { waitingBytes: number; documentBytes: number }
  reading: Reading
  circumstancesOf(session: Session): Circumstances
  isCurrent(session: Session): boolean
  /** Its right is gone: nothing that comes through it counts. */
  isDismissed(connection: Connection): boolean
  refused(session: Session, refusal: Extract<Verdict, { kind: 'refuse-write' }>): void
  /** Something went wrong that nobody foresaw: the session cannot go on. */
  failed(session: Session, cause: unknown): void
}

/** Beyond this nothing is read from the client until some of it is done, in bytes. */
const mostWaiting = 1024 * 1024

/**
 * The writes that are not judged when they come in but when it is their turn (R6.34): those that take long to look
 * through, and all that come behind one of these, because they may stand on it. Hocuspocus comes with each when what came
 * before it is done, waits, and gets a message that changes nothing instead.
 */
export class LateWrites {
  readonly #parts: LateWritesParts
  readonly #noted = new WeakMap<Uint8Array, { session: Session; write: PassedWrite }>()
  #waiting = 0
  #bytes = 0

  constructor(parts: LateWritesParts) {
    this.#parts = parts
  }

  note(session: Session, frame: Uint8Array, update: Uint8Array): void {
    const write: PassedWrite = { kind: 'passed', update, claims: null }
    session.writes.push(write)
    session.hasAnswered = true
    this.#noted.set(frame, { session, write })
    this.#count(session, 1, frame.byteLength)
  }

  #count(session: Session, change: 1 | -1, bytes: number): void {
    session.lateWrites += change
    this.#waiting += change
    this.#bytes += change * (bytes + costOfFrame)
    this.#parts.reading.set('late', this.#bytes > mostWaiting)
  }

  /** @returns null when the frame is none of these */
  beforeHandling(connection: Connection, frame: Uint8Array): Promise<void> | null {
    const noted = this.#waiting > 0 ? this.#noted.get(frame) : undefined
    return noted ? this.#handle(noted.session, connection, frame, noted.write) : null
  }

  async #handle(session: Session, connection: Connection, frame: Uint8Array, write: PassedWrite): Promise<void> {
    const { isCurrent, isDismissed, failed } = this.#parts
    const counts = () => isCurrent(session) && !isDismissed(connection)
    try {
      if (counts()) write.fault = await this.#decide(session, connection, write, counts)
    } catch (cause) {
      write.fault = 'internal'
      if (isCurrent(session)) failed(session, cause)
    }
    this.#count(session, -1, frame.byteLength)
    if (counts()) frames.makeEmptyWrite(frame)
    // nobody waits for an answer any more
    else frames.makeEmpty(frame)
  }

  /**
   * Applies it, unless it is to be refused. What has begun to be applied is taken: it cannot be taken back.
   * @param counts whether its writer still has the right to it, which may go meanwhile
   * @returns why it is refused; null when it was taken
   */
  async #decide(
    session: Session,
    connection: Connection,
    write: PassedWrite,
    counts: () => boolean,
  ): Promise<ErrorCode | null> {
    const { documents, limits, refused, circumstancesOf } = this.#parts
    const open = documents.get(session.documentName)
    // the answer finds that the document has left memory
    if (open?.document !== connection.document) return 'connection-lost'
    const pace = inTurns()
    let verdict: ReturnType<typeof judge>
    let heap = 0
    try {
      const { claims, excess, need } = await examine(write.update, open.document, limits, pace)
      write.claims = claims
      heap = need.heap
      const { bringsContent } = claims
      const change = { bringsContent, bytes: write.update.byteLength, heap, freed: () => need.freed }
      await open.size.prepare(change, limits.documentBytes)
      verdict = judge(session, { claims, excessOf: () => excess, changeOf: () => change }, circumstancesOf(session))
    } catch (cause) {
      const code = cause instanceof TooComplex ? 'update-too-complex' : 'update-malformed'
      verdict = { kind: 'refuse-write', code, cause }
    }
    if (!counts()) return 'connection-lost'
    if (verdict.kind === 'refuse-write') {
      refused(session, verdict)
      return verdict.code
    }
    const { claims } = verdict
    session.refusals.passed(claims)
    if (connection.readOnly) return (await isAppliedInTurns(open, claims, pace)) ? null : 'read-only'
    const author = session.access?.userId ?? null
    const applied = open.size.reserve(heap)
    try {
      if (!(await documents.large.apply(open, write.update, { connection, author, counts }))) return 'connection-lost'
    } finally {
      applied()
    }
    if (await isAppliedInTurns(open, claims, pace)) return null
    return keepHeldBack(documents, open, { update: write.update, claims }, author)
  }
}

const portion = 2_000

async function isAppliedInTurns({ document }: OpenDocument, claims: Claims, pace: Pace): Promise<boolean> {
  if (!isApplied(document, { ends: claims.ends, deletions: noDeletions })) return false
  for (const [client, ranges] of claims.deletions.clients) {
    for (let from = 0; from < ranges.length; from += portion) {
      const deletions = { clients: new Map([[client, ranges.slice(from, from + portion)]]) }
      if (!isApplied(document, { ends: noEnds, deletions })) return false
      if (pace.isOver()) await pace.rest()
    }
  }
  return true
}

const noEnds = new Map<number, number>()
const noDeletions = { clients: new Map() }
