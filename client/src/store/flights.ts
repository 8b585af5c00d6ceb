import { abortQuietly } from './idb.ts'

/** A write transaction under way. */
export interface Flight<Write> {
  readonly writes: readonly Write[]
  readonly transaction: IDBTransaction
  /** One before it has failed: what it writes is written again after that one. */
  isTakenBack: boolean
}

/**
 * The write transactions under way, in the order in which they were begun. What is written after something that failed
 * must not be stored without it: the dirty mark that goes with it stands for both (R3.1).
 */
export class Flights<Write> {
  #all: Flight<Write>[] = []

  add(writes: readonly Write[], transaction: IDBTransaction): Flight<Write> {
    const flight = { writes, transaction, isTakenBack: false }
    this.#all.push(flight)
    return flight
  }

  completed(flight: Flight<Write>): void {
    this.#all = this.#all.filter((other) => other !== flight)
  }

  /** One has failed; those after it are aborted, as far as the browser lets them be. @returns what is to be written again */
  takeBack(failed: Flight<Write>): Write[] {
    const [, ...later] = this.#all.splice(this.#all.indexOf(failed))
    for (const flight of later) {
      flight.isTakenBack = abortQuietly(flight.transaction)
      if (!flight.isTakenBack) this.#all.push(flight)
    }
    return [failed, ...later.filter(({ isTakenBack }) => isTakenBack)].flatMap(({ writes }) => writes)
  }
}
