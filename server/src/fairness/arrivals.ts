import { Bucket, burstSeconds } from './bucket.ts'
import { Participant } from './turns.ts'

export interface ArrivalLimits {
  /** HTTP requests of one address. */
  requestsPerSecond: number
  /** WebSockets that one address opens. */
  newSocketsPerSecond: number
  /** Connections of one address at once. */
  connections: number
}

/** So many connections for each request: who is over its requests has to come anew for each of them. */
const connectionsForRequest = 2
/** How many addresses are told apart. */
const mostAddresses = 20_000

/** One address, and how often it came lately. */
interface Visitor {
  readonly requests: Bucket
  readonly sockets: Bucket
  readonly connections: Bucket
  readonly known: Participant
  readonly fresh: Participant
  /** Connections that are open now. */
  open: number
  /** When it came last. */
  at: number
}

/**
 * How often each address may come (R6.41): requests, new sockets and connections, each with a burst of ten seconds' worth, so
 * that an office may come back all at once.
 */
export class Arrivals {
  readonly #limits: ArrivalLimits
  readonly #now: () => number
  readonly #visitors = new Map<string, Visitor>()
  #sweptAt = 0

  /** @param now in ms, of a clock that only goes forward */
  constructor(limits: ArrivalLimits, now: () => number = () => performance.now()) {
    this.#limits = limits
    this.#now = now
  }

  /** A request came. @returns how long its address should wait, in ms; 0 when it may come in */
  request(address: string): number {
    return this.#of(address).requests.tryToTake(1, this.#now())
  }

  /** Somebody wants to open a WebSocket. @returns as {@link request} does */
  socket(address: string): number {
    return this.#of(address).sockets.tryToTake(1, this.#now())
  }

  /** A connection was made. @returns what to call when it is gone; null when it may not stay */
  connect(address: string): (() => void) | null {
    const visitor = this.#of(address)
    if (visitor.open >= this.#limits.connections || visitor.connections.tryToTake(1, this.#now()) > 0) return null
    visitor.open++
    return () => {
      visitor.open--
    }
  }

  /**
   * The address as it takes its turns. What comes on connections that are known for a while takes turns of its own: a flood
   * of new ones does not hold up who shares the address with it.
   */
  participant(address: string, isKnown: boolean): Participant {
    const { known, fresh } = this.#of(address)
    return isKnown ? known : fresh
  }

  get size(): number {
    return this.#visitors.size
  }

  #of(address: string): Visitor {
    const now = this.#now()
    let visitor = this.#visitors.get(address)
    if (!visitor) {
      this.#makeRoom(now)
      const { requestsPerSecond, newSocketsPerSecond } = this.#limits
      visitor = {
        requests: new Bucket(requestsPerSecond, now),
        sockets: new Bucket(newSocketsPerSecond, now),
        connections: new Bucket(requestsPerSecond * connectionsForRequest, now),
        known: new Participant(),
        fresh: new Participant(),
        open: 0,
        at: now,
      }
      this.#visitors.set(address, visitor)
    }
    visitor.at = now
    return visitor
  }

  /** Whoever was away for as long as a burst takes to come back may as well be new. */
  #makeRoom(now: number): void {
    const isFull = this.#visitors.size >= mostAddresses
    if (now - this.#sweptAt >= (isFull ? forgottenMs / 10 : forgottenMs)) {
      this.#sweptAt = now
      for (const [address, { open, at }] of this.#visitors) {
        if (open === 0 && now - at > forgottenMs) this.#visitors.delete(address)
      }
    }
    // all of them came just now: those known longest go, with what they took
    for (const [address, { open }] of this.#visitors) {
      if (this.#visitors.size < mostAddresses) return
      if (open === 0) this.#visitors.delete(address)
    }
  }
}

const forgottenMs = burstSeconds * 1_000
