/**
 * What is pending, counted in positions (SPEC R4.2): the n-th edit made since the document was opened has position n.
 * Nothing here goes up and down: `made`, `storedTo` and `acknowledged` only grow, so they cannot drift apart.
 */
export interface Positions {
  /** The newest edit. */
  readonly made: number
  /** Every edit up to this one is in the local store. */
  readonly storedTo: number
  /** Edits that were stored before an earlier one was. Nearly always empty. */
  readonly storedAhead: readonly number[]
  /** Every edit up to this one is durable on the server. */
  readonly acknowledged: number
  /** Edits that the local store said were pending when it was opened; the first acknowledged handshake covers them. */
  readonly inherited: number
  /** What this session's unanswered sync writes cover, oldest first (R4.3). */
  readonly inFlight: readonly number[]
  /**
   * The server refused a write of this session. Later writes stand on the refused one, so until a new session's
   * handshake carries it again no acknowledgement of this session means that everything before it is durable.
   */
  readonly refused: boolean
  /** The server has acknowledged this session's handshake. */
  readonly handshaken: boolean
}

export const noPositions: Positions = {
  made: 0,
  storedTo: 0,
  storedAhead: [],
  acknowledged: 0,
  inherited: 0,
  inFlight: [],
  refused: false,
  handshaken: false,
}

export function pendingCount(positions: Positions): number {
  return positions.inherited + positions.made - positions.acknowledged
}

/** Is there an edit that neither this device nor the server holds? (R2.4) */
export function isUnkept(positions: Positions): boolean {
  return positions.made > Math.max(positions.storedTo, positions.acknowledged)
}

export function edit(positions: Positions): Positions {
  return { ...positions, made: positions.made + 1 }
}

export function inherit(positions: Positions, count: number): Positions {
  return { ...positions, inherited: positions.inherited + count }
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
  return { ...positions, inFlight: [], refused: false, handshaken: false }
}

/** A sync write left. It covers every edit made up to now, because a session's first write is its handshake. */
export function sent(positions: Positions): Positions {
  return { ...positions, inFlight: [...positions.inFlight, positions.made] }
}

/** The oldest unanswered write is durable on the server. */
export function acknowledge(positions: Positions): Positions {
  const [covered, ...inFlight] = positions.inFlight
  // More answers than writes: the extra one answers nothing that is known, so it proves nothing.
  if (covered === undefined) return positions
  if (positions.refused) return { ...positions, inFlight }
  return {
    ...positions,
    inFlight,
    inherited: 0,
    handshaken: true,
    acknowledged: Math.max(positions.acknowledged, covered),
  }
}

/** The oldest unanswered write was refused. */
export function refuse(positions: Positions): Positions {
  return { ...positions, inFlight: positions.inFlight.slice(1), refused: true }
}
