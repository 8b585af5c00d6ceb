/** What is wrong with the database for one document, or for all. */
export type Trouble =
  /** Somebody holds its rows. */
  | 'locked'
  /** SQLSTATEs: its rows break a rule, they are broken themselves, or the statement is cancelled for its size. */
  | '22021'
  | 'XX001'
  | '57014'

export type Table = 'documents' | 'updates' | 'snapshots'

/** What is wrong with the database now. What it says of time is in ms. */
export class Troubles {
  latency = { least: 1, most: 4 }
  isReadOnly = false
  isFull = false
  isAway = false
  /** Of 100 statements: how many lose their connection before they run, after they have, or only their answer. */
  cut = { before: 0, after: 0, answer: 0 }
  readonly documents = new Map<string, Trouble>()
  readonly lockedTables = new Set<Table>()

  /** Whether edits of all documents may have to wait. */
  get isGeneral(): boolean {
    const { isReadOnly, isFull, isAway, cut, latency, lockedTables } = this
    const isLosing = cut.before + cut.after + cut.answer > 0
    return isReadOnly || isFull || isAway || isLosing || latency.most > 50 || lockedTables.size > 0
  }

  get isNone(): boolean {
    return !this.isGeneral && this.documents.size === 0
  }

  heal(): void {
    this.latency = { least: 1, most: 4 }
    this.isReadOnly = false
    this.isFull = false
    this.isAway = false
    this.cut = { before: 0, after: 0, answer: 0 }
    this.documents.clear()
    this.lockedTables.clear()
  }
}

/** As the driver throws them: `code` is an SQLSTATE, or the system's for a connection. */
export function databaseError(code: string, message = `simulated ${code}`): Error {
  return Object.assign(new Error(message), { code })
}
