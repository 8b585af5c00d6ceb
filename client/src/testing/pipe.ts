import type { Timeline } from './timeline.ts'

/** One direction of a connection: what goes in comes out later, in order, unless it is cut. */
export class Pipe {
  readonly #timeline: Timeline
  readonly #latency: () => number
  readonly #isHeld: () => boolean
  #last = 0
  #held: (() => void)[] = []
  #isCut = false

  constructor(timeline: Timeline, latency: () => number, isHeld: () => boolean) {
    this.#timeline = timeline
    this.#latency = latency
    this.#isHeld = isHeld
  }

  carry(deliver: () => void): void {
    if (this.#isCut) return
    this.#last = Math.max(this.#last, this.#timeline.time + this.#latency())
    this.#timeline.effectAt(this.#last, () => {
      if (this.#isCut) return
      if (this.#isHeld() || this.#held.length > 0) this.#held.push(deliver)
      else deliver()
    })
  }

  /** What was held comes out now. */
  release(): void {
    const held = this.#held
    this.#held = []
    for (const deliver of held) if (!this.#isCut) deliver()
  }

  /** What is in it is lost, and so is what is put in from now on. */
  cut(): void {
    this.#isCut = true
    this.#held = []
  }
}
