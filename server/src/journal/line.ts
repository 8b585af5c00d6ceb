import type { TidemarkError } from '@tidemark/shared'

/** What waits for a position to become durable. */
type Waiter = { position: number; release: () => void }

/** A revision in the database, and when it was committed there (µs since 1970); null where that is not known. */
export interface Place {
  revision: number
  stamp: number | null
}

/** What was in memory at one moment, until it is known which revision that is. */
interface Mark {
  /** The last update of this process that was in memory. */
  position: number
  /** Memory held everything up to here. */
  reached: Place
  /** Whether revisions of another process lie between: then no revision is exactly what was in memory. */
  isBroken: boolean
  settle: (place: Place | null) => void
}

/**
 * One open document's place in the journal. Positions count the appends of this process since the document
 * was opened; `durable ≤ appended` always, and neither ever goes back (R4.2 on the server's side).
 */
export class JournalLine {
  /** Its row; 0 as long as a reader has it open and nothing is stored under its name (S11). */
  documentId: number
  readonly documentName: string
  epoch: string
  /** The newest committed revision that this process knows of. */
  revision: number
  /** When that revision was committed, by which a history that came in its place is known (R7.14). */
  stamp: number | null
  /**
   * Up to here the document in memory holds every revision. Behind `revision` only while another process writes to the same
   * document: what lies between must be read from the journal.
   */
  covered: number
  appended = 0
  durable = 0
  /** Set when an update of this document can never be stored; nothing more of it is accepted or acknowledged. */
  failure: TidemarkError | null = null
  /** Whether its sessions were told that storing this document waits, though the database answers. */
  isTroubled = false
  /** Whether the database lacks what was acknowledged: until that is stored again, memory alone has it (R7.14). */
  isMending = false
  #waiters: Waiter[] = []
  #marks: Mark[] = []

  constructor(document: { id: number; name: string; epoch: string; revision: number; stamp?: number | null }) {
    this.documentId = document.id
    this.documentName = document.name
    this.epoch = document.epoch
    this.revision = document.revision
    this.stamp = document.stamp ?? null
    this.covered = document.revision
  }

  get isStored(): boolean {
    return this.documentId > 0
  }

  /** It has a row from now on. */
  begin({ id, epoch, revision }: { id: number; epoch: string; revision: number }): void {
    this.documentId = id
    this.epoch = epoch
    this.revision = revision
    this.covered = revision
  }

  get isDurable(): boolean {
    return this.durable === this.appended
  }

  /** Calls `release` once all that has been appended up to now is committed; never when the line fails (R1.1, R1.2). */
  whenDurable(release: () => void): void {
    if (this.isDurable) release()
    else this.#waiters.push({ position: this.appended, release })
  }

  /** How many acks and others wait. */
  get waiting(): number {
    return this.#waiters.length
  }

  /**
   * Says which revision is exactly what is in memory now, once all of it is committed; null when there is none, because
   * another process wrote between (R7.13).
   */
  whenPlaced(settle: (place: Place | null) => void): void {
    const isWhole = this.covered === this.revision && this.failure === null
    if (!isWhole || this.isDurable) settle(isWhole ? { revision: this.revision, stamp: this.stamp } : null)
    else {
      const reached = { revision: this.revision, stamp: this.stamp }
      this.#marks.push({ position: this.appended, reached, isBroken: false, settle })
    }
  }

  /**
   * The writer loop's word that `positions` more are committed in `rows` rows, the last of them at `head`. A row that only
   * repeats what was durable already stands before the others and counts no position.
   */
  committed(positions: number, head: Place, rows = positions): void {
    const before = head.revision - rows
    this.durable += positions
    if (this.covered === before) this.covered = head.revision
    if (head.revision > this.revision) this.#stand(head)
    this.#place(before, head)
    const waiters = this.#waiters
    let due = 0
    while (due < waiters.length && (waiters[due] as Waiter).position <= this.durable) due++
    if (due === 0) return
    this.#waiters = due === waiters.length ? [] : waiters.slice(due)
    for (let index = 0; index < due; index++) (waiters[index] as Waiter).release()
  }

  #place(before: number, head: Place): void {
    if (this.#marks.length === 0) return
    const marks = this.#marks
    this.#marks = marks.filter(({ position }) => position > this.durable)
    for (const mark of marks) {
      const revision = head.revision - Math.max(0, this.durable - mark.position)
      if (before > mark.reached.revision) mark.isBroken = true
      else if (revision > mark.reached.revision) mark.reached = { revision, stamp: head.stamp }
      if (mark.position <= this.durable) mark.settle(mark.isBroken ? null : mark.reached)
    }
  }

  /** Another process has committed up to `head`. */
  foreign(head: Place): void {
    if (head.revision > this.revision) this.#stand(head)
  }

  /** When the newest known revision was committed, told by the database. */
  recognise({ revision, stamp }: Place): void {
    if (revision === this.revision) this.stamp ??= stamp
  }

  /** What the database holds was read into memory from its begin; nothing is known of what this process took it to be. */
  rewound(head: Place): void {
    this.#stand(head)
    this.covered = head.revision
    this.#abandonMarks()
  }

  #stand({ revision, stamp }: Place): void {
    this.revision = revision
    this.stamp = stamp
  }

  fail(error: TidemarkError): void {
    this.failure = error
    this.#waiters = []
    this.#abandonMarks()
  }

  #abandonMarks(): void {
    const marks = this.#marks
    this.#marks = []
    for (const { settle } of marks) settle(null)
  }
}
