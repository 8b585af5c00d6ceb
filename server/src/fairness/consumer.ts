import type { Clock, ErrorCode } from '@tidemark/shared'
import type { Reading } from '../sockets/reading.ts'
import type { Share } from './share.ts'

export interface ConsumerParts {
  clock: Pick<Clock, 'after'>
  /** In ms, of a clock that only goes forward. */
  now(): number
  /** What one socket may have waiting for the database, in bytes. */
  queuedBytes: number
  reading: Reading
  /** Whether so much waits for the database that soon everybody would have to. */
  isQueueFilling(): boolean
  /** Those of which nothing is read because what waits is theirs. */
  held: Set<Consumer>
}

/** So much is counted before it is looked at: a look at each message would cost as much as reading it. */
const lookEvery = { messages: 64, bytes: 64 * 1024 }

/** One socket as it takes part in the shares of its address and of its users (R6.22). */
export class Consumer {
  readonly #address: Share
  readonly #parts: ConsumerParts
  /** The users who are signed in on the socket, with the number of their sessions. */
  readonly #users = new Map<Share, number>()
  #messages = 0
  #bytes = 0
  #queued = 0
  #cancelPace: (() => void) | null = null

  constructor(address: Share, parts: ConsumerParts) {
    this.#address = address
    this.#parts = parts
    address.sockets++
  }

  /** A message has come in. */
  read(bytes: number): void {
    this.#messages++
    this.#bytes += bytes
    if (this.#messages >= lookEvery.messages || this.#bytes >= lookEvery.bytes) this.#settle()
  }

  #settle(): void {
    const now = this.#parts.now()
    let owed = 0
    for (const share of this.#shares()) {
      share.take(this.#messages, this.#bytes, now)
      owed = Math.max(owed, share.owed(now))
    }
    this.#messages = this.#bytes = 0
    if (owed === 0 || this.#cancelPace) return
    this.#parts.reading.set('pace', true)
    this.#cancelPace = this.#parts.clock.after(owed, () => {
      this.#cancelPace = null
      this.#parts.reading.set('pace', false)
    })
  }

  /** @returns why a session of this user may not begin here */
  join(user: Share): ErrorCode | null {
    const sessions = this.#users.get(user) ?? 0
    if (sessions === 0 && user.sockets >= user.limits.sockets) return 'too-many-connections'
    if (user.sessions >= user.limits.sessions) return 'too-many-documents'
    if (sessions === 0) {
      user.sockets++
      user.queue(this.#queued)
    }
    user.sessions++
    this.#users.set(user, sessions + 1)
    return null
  }

  leave(user: Share): void {
    const sessions = this.#users.get(user)
    if (sessions === undefined) return
    user.sessions--
    if (sessions > 1) this.#users.set(user, sessions - 1)
    else this.#part(user)
  }

  #part(user: Share): void {
    this.#users.delete(user)
    user.queue(-this.#queued)
    this.#depart(user)
  }

  #depart(share: Share): void {
    share.sockets--
    share.leftAt = this.#parts.now()
  }

  /** Edits of this socket wait for the database, or (negative) do so no longer. */
  queue(bytes: number): void {
    this.#queued += bytes
    for (const share of this.#shares()) share.queue(bytes)
    if (bytes > 0) this.look()
  }

  /** Whose edits fill the queue is read no further: the others are not to wait for it. */
  look(): void {
    const { held, reading, isQueueFilling } = this.#parts
    const isHeld = isQueueFilling() && this.#hasTooMuchQueued()
    if (isHeld === held.has(this)) return
    if (isHeld) held.add(this)
    else held.delete(this)
    reading.set('share', isHeld)
  }

  #hasTooMuchQueued(): boolean {
    if (this.#queued > this.#parts.queuedBytes) return true
    for (const share of this.#shares()) if (share.isFull) return true
    return false
  }

  *#shares(): Iterable<Share> {
    yield this.#address
    yield* this.#users.keys()
  }

  /** The socket is gone. */
  close(): void {
    this.#cancelPace?.()
    this.#parts.held.delete(this)
    for (const [user, sessions] of [...this.#users]) {
      user.sessions -= sessions
      this.#part(user)
    }
    this.#address.queue(-this.#queued)
    this.#queued = 0
    this.#depart(this.#address)
  }
}
