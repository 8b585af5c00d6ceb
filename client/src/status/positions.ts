import { emptyQueue, first, last, push, type Queue, shift } from './queue.ts'

/**
 * What is pending, counted in positions (SPEC R4.2): the n-th edit of an opening has position n. Every tab counts the
 * edits of all openings on the device, its own and the others' (D1.5). Nothing here goes up and down: `made` and
 * `acknowledged` only grow, and so does `storedTo` until the store itself is gone, so they cannot drift apart.
 */
export interface Positions {
  /** The newest edit of each opening that this replica holds. */
  readonly made: Vector
  /** Every edit of an opening up to this one is durable on the server. */
  readonly acknowledged: Vector
  /** Every edit of this opening up to this one is in the local store. */
  readonly storedTo: number
  /** Edits of this opening that were stored before an earlier one was. Nearly always empty. */
  readonly storedAhead: readonly number[]
  /**
   * What this session's unanswered sync writes cover, oldest first (R4.3); null of one that was divided and goes on in
   * the next. A follower has one: the leader's last.
   */
  readonly inFlight: Queue<Vector | null>
  /**
   * The server refused a write of this session. Later writes stand on the refused one, so until a new session's
   * handshake carries it again no acknowledgement of this session means that everything before it is durable.
   */
  readonly refused: boolean
  /** The server has acknowledged this session's handshake. */
  readonly handshaken: boolean
}

/** A position for each opening; 0 for those it does not name. */
export type Vector = ReadonlyMap<string, number>

export const noPositions: Positions = {
  made: new Map(),
  acknowledged: new Map(),
  storedTo: 0,
  storedAhead: [],
  inFlight: emptyQueue,
  refused: false,
  handshaken: false,
}

export function pendingCount({ made, acknowledged }: Positions): number {
  return missing(made, acknowledged)
}

/** What was sent in this session, answered or not. */
export function sentTo({ inFlight, acknowledged }: Positions): Vector {
  return last(inFlight) ?? acknowledged
}

/** How many positions of `vector` lie above `reached`. */
export function missing(vector: Vector, reached: Vector): number {
  let count = 0
  for (const [opening, position] of vector) count += Math.max(0, position - (reached.get(opening) ?? 0))
  return count
}

/** For each opening the larger one. @returns `a` itself when `b` adds nothing */
function highest(a: Vector, b: Vector): Vector {
  if (missing(b, a) === 0) return a
  const joined = new Map(a)
  for (const [opening, position] of b) joined.set(opening, Math.max(position, a.get(opening) ?? 0))
  return joined
}

/** What is pending of each opening, as it stands in the local store. */
export function pendingMarks({ made, acknowledged }: Positions): Map<string, { from: number; to: number }> {
  const marks = new Map<string, { from: number; to: number }>()
  for (const [opening, to] of made) {
    const from = (acknowledged.get(opening) ?? 0) + 1
    if (from <= to) marks.set(opening, { from, to })
  }
  return marks
}

/** The other way round: what marks say of who made what, and what of it is durable. */
export function readingOf(marks: ReadonlyMap<string, { readonly from: number; readonly to: number }>) {
  const made = new Map<string, number>()
  const acknowledged = new Map<string, number>()
  for (const [opening, { from, to }] of marks) {
    made.set(opening, to)
    acknowledged.set(opening, from - 1)
  }
  return { made, acknowledged }
}

/** Is there an edit of this opening that neither this device nor the server holds? (R2.4) */
export function isUnkept(positions: Positions, opening: string): boolean {
  let kept = Math.max(positions.storedTo, positions.acknowledged.get(opening) ?? 0)
  while (positions.storedAhead.includes(kept + 1)) kept++
  return (positions.made.get(opening) ?? 0) > kept
}

/** Nothing is in the local store any more: it was deleted. */
export function unstored(positions: Positions): Positions {
  return { ...positions, storedTo: 0, storedAhead: [] }
}

/** Everything up to here is in the local store again. */
export function storedAgain(positions: Positions, position: number): Positions {
  const storedTo = Math.max(positions.storedTo, position)
  return { ...positions, storedTo, storedAhead: positions.storedAhead.filter((ahead) => ahead > storedTo) }
}

/** This replica holds these edits now. */
export function made(positions: Positions, vector: Vector): Positions {
  return { ...positions, made: highest(positions.made, vector) }
}

/** All of these are durable: whoever led the document said so. */
export function durable(positions: Positions, vector: Vector): Positions {
  return { ...positions, acknowledged: highest(positions.acknowledged, vector) }
}

export function stored(positions: Positions, position: number): Positions {
  if (position <= positions.storedTo) return positions
  const ahead = new Set(positions.storedAhead).add(position)
  let storedTo = positions.storedTo
  while (ahead.delete(storedTo + 1)) storedTo++
  return { ...positions, storedTo, storedAhead: [...ahead] }
}

/** A session begins or ends: nothing that was sent on the old one counts any more (R4.3). */
export function newSession(positions: Positions): Positions {
  return { ...positions, inFlight: emptyQueue, refused: false, handshaken: false }
}

/**
 * Sync writes left, parts of one. The last covers every edit held now, because a session's first write is its handshake;
 * those before it nothing, as long as the last is not answered.
 */
export function sent(positions: Positions, parts = 1): Positions {
  let { inFlight } = positions
  for (let part = 1; part < parts; part++) inFlight = push(inFlight, null)
  return { ...positions, inFlight: push(inFlight, positions.made) }
}

/** The oldest unanswered write is durable on the server. */
export function acknowledge(positions: Positions): Positions {
  const covered = first(positions.inFlight)
  // More answers than writes: the extra one answers nothing that is known, so it proves nothing.
  if (covered === undefined) return positions
  const inFlight = shift(positions.inFlight)
  if (positions.refused || covered === null) return { ...positions, inFlight }
  return durable({ ...positions, inFlight, handshaken: true }, covered)
}

/** The oldest unanswered write was refused. */
export function refuse(positions: Positions): Positions {
  return { ...positions, inFlight: shift(positions.inFlight), refused: true }
}

/** Another tab leads, and has sent this much. */
export function sentElsewhere(positions: Positions, vector: Vector): Positions {
  const isUnderWay = missing(vector, positions.acknowledged) > 0
  return { ...positions, inFlight: isUnderWay ? push(emptyQueue, vector) : emptyQueue }
}
