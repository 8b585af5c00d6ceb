import type * as Y from 'yjs'
import type { DocumentName } from './steps.ts'

/** A message that wrote, and waits for its answer. */
export interface Write {
  readonly units: readonly string[]
  /** Those that it brings with their content. */
  readonly contents: readonly string[]
  readonly sentAt: number
  /** It does not decode: its answer, in its turn, is a refusal. */
  readonly isNonsense?: true
}

export interface Edit {
  readonly units: readonly string[]
  /** Whether the server has been told of it in this session: only then it can be called saved. */
  isSaid: boolean
}

/** A document as one writer has it. */
export interface Replica {
  readonly name: DocumentName
  doc: Y.Doc
  /** As the server said it; null for stock clients, and before the first hello. */
  epoch: string | null
  isWanted: boolean
  session: 'closed' | 'authenticating' | 'open' | 'closing'
  openedAt: number
  /** Whether it has answered the server's question what it has. */
  isComplete: boolean
  /** What has not been answered in this session, in order (R1.2). */
  readonly writes: Write[]
  /** Its own edits of which it is not proven that they are stored. */
  edits: Edit[]
  /** The last word on the server's storage. */
  isToldAway: boolean
  /** When the server last answered or told it something. */
  answeredAt: number
  lastError: string
}

export function replicaOf(name: DocumentName, doc: Y.Doc): Replica {
  return {
    name,
    doc,
    epoch: null,
    isWanted: true,
    session: 'closed',
    openedAt: 0,
    isComplete: false,
    writes: [],
    edits: [],
    isToldAway: false,
    answeredAt: 0,
    lastError: '',
  }
}

/** What was not answered belongs to a session that is over; the next one's handshake brings it again. */
export function end(replica: Replica): void {
  replica.session = 'closed'
  replica.isComplete = false
  replica.writes.length = 0
  for (const edit of replica.edits) edit.isSaid = false
}
