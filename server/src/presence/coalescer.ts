import type { Clock } from '@tidemark/shared'

/** How a coalescer sends. */
export interface Outlet<Recipient, Message> {
  recipients(): readonly Recipient[]
  /** Encodes what changed, once for all recipients; `bytes` is its size. */
  encode(changed: ReadonlyMap<number, number>): { message: Message; bytes: number }
  send(recipient: Recipient, message: Message): void
}

/** Between two messages of one document, at least, in ms. */
export const windowMs = 50
/** What each recipient adds to that: a thousand of them make 100 ms, and a write to each takes a tenth of it. */
const windowMsForEach = 0.1
/** And each byte that goes out: whoever says as much as they may, as often as they can, has 700 MB/s of it at most. */
const windowMsForByte = 1.5e-6
/** How many are written to in one turn of the event loop. */
const inOneTurn = 1_000

/**
 * What leaves of a document's presence (R8.6): who changed is collected, and goes to everybody in one message that is encoded
 * once. The first change after a pause goes at once. Somebody's farewell is a change like any other: of what happened to
 * a person between two messages the last counts.
 */
export class Coalescer<Recipient, Message> {
  readonly #outlet: Outlet<Recipient, Message>
  readonly #clock: Clock
  /** Who changed, with the clock of that change. */
  #changed = new Map<number, number>()
  #sentAt = Number.NEGATIVE_INFINITY
  #pause = 0
  #cancel: (() => void) | null = null
  #isClosed = false

  constructor(outlet: Outlet<Recipient, Message>, clock: Clock) {
    this.#outlet = outlet
    this.#clock = clock
  }

  changed(client: number, clock: number): void {
    if (this.#isClosed) return
    this.#changed.set(client, clock)
    if (this.#cancel) return
    // a clock that was set back makes nobody wait longer
    const due = Math.min(this.#pause, Math.max(0, this.#sentAt + this.#pause - this.#clock.now()))
    this.#cancel = this.#clock.after(due, () => {
      this.#cancel = null
      this.#flush()
    })
  }

  #flush(): void {
    const changed = this.#changed
    this.#changed = new Map()
    const recipients = this.#outlet.recipients()
    if (recipients.length === 0) return
    const { message, bytes } = this.#outlet.encode(changed)
    this.#sentAt = this.#clock.now()
    this.#pause = Math.max(windowMs, recipients.length * (windowMsForEach + bytes * windowMsForByte))
    this.#send(message, recipients, 0)
  }

  #send(message: Message, recipients: readonly Recipient[], from: number): void {
    if (this.#isClosed) return
    const end = Math.min(from + inOneTurn, recipients.length)
    for (let index = from; index < end; index++) this.#outlet.send(recipients[index] as Recipient, message)
    if (end < recipients.length) setImmediate(() => this.#send(message, recipients, end))
  }

  /** Sends nothing more. */
  close(): void {
    this.#isClosed = true
    this.#cancel?.()
    this.#cancel = null
  }
}
