import { type ErrorCode, messageType } from '@tidemark/shared'
import { TooComplex } from '../documents/scan.ts'
import type { SizeChange } from '../documents/size.ts'
import type { Struct } from '../documents/structure.ts'
import type { Weight } from '../documents/weight.ts'
import type { Claims } from './claims.ts'
import * as frames from './frames.ts'
import type { Session } from './session.ts'
import type { Known } from './state-vectors.ts'

/** What is to be done with a client's frame; nothing of it has been applied yet (R6.3). */
export type Verdict =
  | { kind: 'pass' }
  /** A client asks for what is not among what it has; if it has much, that is read in its turn. */
  | { kind: 'pass-question'; known: Known | Uint8Array }
  /** A sync message that changes the document: its answer will be one SyncStatus. */
  | { kind: 'pass-write'; isBroadcast: boolean; update: Uint8Array; claims: Claims }
  /** It says who is here: not for Hocuspocus. */
  | { kind: 'presence'; update: Uint8Array }
  /** One that is judged when it is its turn. */
  | { kind: 'pass-late'; update: Uint8Array }
  | { kind: 'drop' }
  | { kind: 'refuse'; code: ErrorCode; cause?: unknown }
  /** A refused edit is answered like any other, in its turn (R1.2). */
  | { kind: 'refuse-write'; code: ErrorCode; claims?: Claims; needs?: Weight; until?: number; cause?: unknown }

export interface Circumstances {
  /** Unix time in ms. */
  now: number
  /** What an update does to the size of the session's document. */
  changeOf(update: Uint8Array, claims: Claims, structs: readonly Struct[]): SizeChange
  /** Why there is no room for an update; null when there is. */
  shortageFor(change: SizeChange): Shortage | null
  /** What is too much in the structure of an update, or in what it waits for; null when nothing is. */
  excessOf(update: Uint8Array, claims: Claims, structs: readonly Struct[]): string | null
  /** How many Yjs clients a question about the session's document may name. */
  mostAuthors(): number
  /**
   * Whether an update is better applied in turns, however small it is: it may pass many items on the way to its places, or
   * takes away much.
   */
  takesLong(claims: Claims, structs: readonly Struct[]): boolean
  /** Whether an update brings something as the client of another user. */
  isForged(claims: Claims): boolean
  /** When an update that could not be stored may be tried again, in Unix time in ms; null when there is no such thing. */
  heldUntil(claims: Claims): number | null
}

/** The document is too large for it, or all of them together are. */
export type Shortage = 'document-too-large' | 'server-busy'

/** After so long a stock client that was refused for others' sake may send it again, in ms. */
const busyMs = 5_000

const pass: Verdict = { kind: 'pass' }

/** Judges a frame of an open session (R6.3, S4). `decoder` stands behind the frame's type. */
export function inspect(session: Session, { type, decoder }: frames.Header, circumstances: Circumstances): Verdict {
  try {
    switch (type) {
      case messageType.sync:
      case messageType.syncReply:
        return inspectSync(session, decoder, circumstances)
      case messageType.awareness:
        return { kind: 'presence', update: frames.readPayload(decoder) }
      case messageType.auth:
        frames.readTokenField(decoder)
        return pass
      case messageType.stateless:
        frames.readStateless(decoder)
        return pass
      case messageType.close:
        return pass
      // who is here is told to everybody who comes; Hocuspocus would encode it, and answer nobody
      case messageType.queryAwareness:
      case messageType.pong:
        return { kind: 'drop' }
      default:
        throw new Error(`message type ${type} is not for clients to send`)
    }
  } catch (cause) {
    return { kind: 'refuse', code: 'message-malformed', cause }
  }
}

/** Larger writes are looked through and applied in turns, in bytes. An edit of a person has some hundred. */
const largestAtOnce = 8 * 1024
/** Too short for a write. */
const nothing = 1

/**
 * The largest write that is judged as it comes in: none behind one that is not, because it may stand on that one, and none
 * of a reader, because Hocuspocus looks through the whole document for it.
 */
const atOnce = ({ access, lateWrites }: Session): number =>
  lateWrites > 0 || access?.level === 'read' ? nothing : largestAtOnce

function inspectSync(session: Session, decoder: frames.Header['decoder'], circumstances: Circumstances): Verdict {
  let message: frames.SyncMessage
  try {
    message = frames.readSyncMessage(decoder, { atOnce: atOnce(session), mostAuthors: circumstances.mostAuthors })
  } catch (cause) {
    if (cause instanceof TooComplex) return { kind: 'refuse', code: 'update-too-complex', cause }
    return { kind: 'refuse-write', code: 'update-malformed', cause }
  }
  if (message.kind === 'read') return { kind: 'pass-question', known: message.known }
  if (message.kind === 'write-late') return { kind: 'pass-late', update: message.update }
  const { update, claims, structs, isBroadcast } = message
  if (circumstances.takesLong(claims, structs)) return { kind: 'pass-late', update }
  const verdict = judge(
    session,
    {
      claims,
      excessOf: () => circumstances.excessOf(update, claims, structs),
      changeOf: () => circumstances.changeOf(update, claims, structs),
    },
    circumstances,
  )
  return verdict.kind === 'refuse-write' ? verdict : { kind: 'pass-write', isBroadcast, update, claims }
}

/** Whether a session may write what has been looked through. */
export function judge(
  session: Session,
  { claims, excessOf, changeOf }: { claims: Claims; excessOf: () => string | null; changeOf: () => SizeChange },
  circumstances: Circumstances,
): Extract<Verdict, { kind: 'refuse-write' }> | { kind: 'allow'; claims: Claims } {
  const expiresAt = session.access?.expiresAt ?? null
  if (expiresAt !== null && expiresAt <= circumstances.now)
    return { kind: 'refuse-write', code: 'token-expired', claims }
  const earlier = session.refusals.blocking(claims)
  if (earlier) return { kind: 'refuse-write', code: earlier, claims, cause: new Error('it builds on a refused edit') }
  if (circumstances.isForged(claims)) {
    const cause = new Error('it writes as the client of another user')
    return { kind: 'refuse-write', code: 'update-malformed', claims, cause }
  }
  const excess = excessOf()
  if (excess) return { kind: 'refuse-write', code: 'update-too-complex', claims, cause: new Error(excess) }
  const until = circumstances.heldUntil(claims)
  if (until !== null) return { kind: 'refuse-write', code: 'document-write-failed', claims, until }
  const change = changeOf()
  const { bytes, heap } = change
  switch (circumstances.shortageFor(change)) {
    case 'document-too-large':
      return { kind: 'refuse-write', code: 'document-too-large', claims, needs: { bytes, heap } }
    case 'server-busy':
      return { kind: 'refuse-write', code: 'server-busy', claims, until: circumstances.now + busyMs }
  }
  return { kind: 'allow', claims }
}
