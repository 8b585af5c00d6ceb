import type { Timeline } from '../../../client/src/testing/timeline.ts'
import type { SimulatedProcess } from './process.ts'

/** Tries within a second: a row that is held is looked at again after 4, 8, 16 … 250 ms. */
const mostTries = 20

/** [R6.18] What cannot be stored now is tried again after a while, not at once. */
export class Restraint {
  readonly #timeline: Timeline
  readonly #complain: (what: string) => void
  readonly #tries = new Map<SimulatedProcess, Map<string, number[]>>()

  constructor(timeline: Timeline, complain: (what: string) => void) {
    this.#timeline = timeline
    this.#complain = complain
  }

  tried(names: readonly string[], process: SimulatedProcess): void {
    const { time } = this.#timeline
    const tries = this.#tries.get(process) ?? new Map<string, number[]>()
    this.#tries.set(process, tries)
    for (const name of names) {
      const recent = [...(tries.get(name) ?? []), time].filter((at) => time - at < 1_000)
      tries.set(name, recent)
      if (recent.length > mostTries) {
        this.#complain(`[R6.18] a server tries to store ${name} ${recent.length} times in a second, in vain`)
      }
    }
  }

  /** Something of it was stored, by whomever. */
  stored(name: string): void {
    for (const tries of this.#tries.values()) tries.delete(name)
  }
}
