import type { TidemarkError } from '@tidemark/shared'

/** What waits for a position to become durable. */
type Waiter = { position: number; release: () => void }

/**
 * One open document's place in the journal. Positions count the appends of this process since the document
 * was opened; `durable ≤ appended` always, and neither ever goes back (R4.2 on the server's side).
 */
export class JournalLine {
  readonly documentId: number
  readonly documentName: string
  readonly epoch: string
  /** The newest committed revision that this process knows of. */
  revision: number
  /**
   * Up to here the document in memory holds every revision. Behind `revision` only while another process writes to the same
   * document: what lies between must be read from the journal.
   */
  covered: number
  appended = 0
  durable = 0
  /** Set when an update of this document can never be stored; nothing more of it is accepted or acknowledged. */
  failure: TidemarkError | null = null
  #waiters: Waiter[] = []

  constructor(document: { id: number; name: string; epoch: string; revision: number }) {
    this.documentId = document.id
    this.documentName = document.name
    this.epoch = document.epoch
    this.revision = document.revision
    this.covered = document.revision
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

  /** The writer loop's word that `count` more positions are committed; `head` is the document's revision then. */
  committed(count: number, head: number): void {
    this.durable += count
    if (this.covered === head - count) this.covered = head
    this.revision = head
    const waiters = this.#waiters
    let due = 0
    while (due < waiters.length && (waiters[due] as Waiter).position <= this.durable) due++
    if (due === 0) return
    this.#waiters = due === waiters.length ? [] : waiters.slice(due)
    for (let index = 0; index < due; index++) (waiters[index] as Waiter).release()
  }

  fail(error: TidemarkError): void {
    this.failure = error
    this.#waiters = []
  }
}
