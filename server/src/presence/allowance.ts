import { depthOf, type Entry } from './entries.ts'

export interface PresenceLimits {
  /** Largest state of one person, in bytes of JSON. */
  presenceStateBytes: number
  /** How many people a session may speak for: a browser's tabs share one. */
  presenceStates: number
  /** How deep the JSON of a state may nest. */
  valueDepth: number
}

/** How much a session may still bring. */
export interface Room {
  people: number
  bytes: number
}

/** What is known of somebody before a session speaks of them. */
export interface Standing {
  /** Whether the session speaks for them already. */
  isOwn: boolean
  bytes: number
  clock: number
}

/** How far a clock may be ahead of what is known: 60 moves a second for 13 days. */
const farthestClock = 2 ** 26

/** What one message of a session may say (R6.21): all that it says is counted, once. */
export class Allowance {
  readonly #room: Room
  readonly #limits: PresenceLimits
  /** Of all states in the message, so that one that changes in it a thousand times is not a thousand states. */
  #bytes = 0
  #excess: Error | null = null

  constructor(room: Room, limits: PresenceLimits) {
    this.#room = { ...room }
    this.#limits = limits
  }

  /** What was too much; null when nothing was. */
  get excess(): Error | null {
    return this.#excess
  }

  takes(entry: Entry, standing: Standing): boolean {
    const reason = this.#excessOf(entry, standing)
    if (reason === null) return true
    this.#excess ??= new Error(reason)
    return false
  }

  #excessOf({ clock, text }: Entry, { isOwn, bytes, clock: known }: Standing): string | null {
    const { presenceStateBytes, presenceStates, valueDepth } = this.#limits
    const size = text.byteLength
    if (size > presenceStateBytes) return `a state of ${size} bytes`
    if (clock > known + farthestClock) return `the clock ${clock} where ${known} is known`
    if (!isOwn && this.#room.people <= 0) return `more people than ${presenceStates} in a session, or too many in all`
    const growth = isOwn ? size - bytes : size
    if (growth > Math.max(0, this.#room.bytes)) return 'the states are too large together'
    this.#bytes += size
    if (this.#bytes > 4 * presenceStateBytes) return `${this.#bytes} bytes of states in one message`
    if (depthOf(text) > valueDepth) return `a state that nests more than ${valueDepth} deep`
    this.#room.bytes -= growth
    if (!isOwn) this.#room.people -= 1
    return null
  }
}
