import type { Clock } from '@tidemark/shared'
import type { Reading } from '../sockets/reading.ts'
import { Consumer } from './consumer.ts'
import type { Share } from './share.ts'
import { Shares } from './shares.ts'

export interface FairnessLimits {
  socketsPerAddress: number
  socketsPerUser: number
  sessionsPerUser: number
  messagesPerSecond: number
  bytesPerSecond: number
  queuedBytes: number
}

/** Many people may be behind one address: it may take as much as so many of them. */
const peopleBehindAnAddress = 10

/** Who takes how much of the server: it is held up itself before the others are (R6.22). */
export class Fairness {
  readonly #addresses: Shares
  readonly #users: Shares | null
  readonly #limits: FairnessLimits
  readonly #clock: Clock
  readonly #isQueueFilling: () => boolean
  readonly #held = new Set<Consumer>()

  /**
   * @param knowsUsers false on an open server, where everybody has the same name
   * @param queued how many bytes wait for the database
   */
  constructor(limits: FairnessLimits, knowsUsers: boolean, clock: Clock, queued: () => number) {
    this.#isQueueFilling = () => queued() > limits.queuedBytes / 2
    this.#limits = limits
    this.#clock = clock
    const { messagesPerSecond, bytesPerSecond, queuedBytes } = limits
    this.#addresses = new Shares(
      {
        sockets: limits.socketsPerAddress,
        sessions: Number.POSITIVE_INFINITY,
        messagesPerSecond: messagesPerSecond * peopleBehindAnAddress,
        bytesPerSecond: bytesPerSecond * peopleBehindAnAddress,
        queuedBytes: queuedBytes / 2,
      },
      now,
    )
    const ofUser = { messagesPerSecond, bytesPerSecond, queuedBytes: queuedBytes / 4 }
    this.#users = knowsUsers
      ? new Shares({ ...ofUser, sockets: limits.socketsPerUser, sessions: limits.sessionsPerUser }, now)
      : null
  }

  /** Whether one more socket from there may come. */
  hasRoom(address: string): boolean {
    return this.#addresses.of(address).sockets < this.#limits.socketsPerAddress
  }

  consumer(address: string, reading: Reading): Consumer {
    const queuedBytes = this.#limits.queuedBytes / 8
    const parts = { clock: this.#clock, now, queuedBytes, reading }
    const share = this.#addresses.of(address)
    return new Consumer(share, { ...parts, isQueueFilling: this.#isQueueFilling, held: this.#held })
  }

  /** Something waits for the database no longer: who was held up may be read again. */
  stored(): void {
    for (const consumer of [...this.#held]) consumer.look()
  }

  userOf(userId: string): Share | null {
    return this.#users?.of(userId) ?? null
  }
}

const now = () => performance.now()
