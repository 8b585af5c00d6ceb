import type { Timeline } from '../../../client/src/testing/timeline.ts'
import type { SimulatedProcess } from './process.ts'

/** Tries within a second: a row that is held is looked at again after 4, 8, 16 … 250 ms. */
const mostTries = { count: 20, withinMs: 1_000 }
/** Of several writers' edits in one document, at two servers: each is tried after 1, 2, 4 s and so on. */
const mostRefusals = { count: 40, withinMs: 30_000 }

/** [R6.14] [R6.18] What cannot be stored now is tried again after a while, and what was refused ever more seldom. */
export class Restraint {
  readonly #timeline: Timeline
  readonly #complain: (what: string) => void
  readonly #tries = new Map<SimulatedProcess, Map<string, number[]>>()
  readonly #refusals = new Map<string, number[]>()

  constructor(timeline: Timeline, complain: (what: string) => void) {
    this.#timeline = timeline
    this.#complain = complain
  }

  tried(names: readonly string[], process: SimulatedProcess): void {
    const tries = this.#tries.get(process) ?? new Map<string, number[]>()
    this.#tries.set(process, tries)
    for (const name of names) {
      const count = this.#count(tries, name, mostTries.withinMs)
      if (count > mostTries.count) {
        this.#complain(`[R6.18] a server tries to store ${name} ${count} times in a second, in vain`)
      }
    }
  }

  /** Something of it was stored, by whomever. */
  stored(name: string): void {
    for (const tries of this.#tries.values()) tries.delete(name)
  }

  /** Edits of a document were refused for good, and its people have to open it again. */
  refused(name: string): void {
    const count = this.#count(this.#refusals, name, mostRefusals.withinMs)
    if (count > mostRefusals.count) {
      this.#complain(`[R6.14] the database has refused ${name} ${count} times in ${mostRefusals.withinMs / 1_000} s`)
    }
  }

  /** @returns how often, with this time, it has happened of late */
  #count(times: Map<string, number[]>, name: string, withinMs: number): number {
    const { time } = this.#timeline
    const recent = [...(times.get(name) ?? []), time].filter((at) => time - at < withinMs)
    times.set(name, recent)
    return recent.length
  }
}
