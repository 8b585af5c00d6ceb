import type { Clock } from '@tidemark/shared'
import type { Timeline } from './timeline.ts'

export type Hold = 'frozen' | 'asleep'

/**
 * What runs in a tab: everything that calls into it (timers, messages, answers) comes through here. While the tab is
 * frozen it queues up; once the tab is gone nothing of it runs any more.
 */
export class Thread {
  readonly #timeline: Timeline
  /** What keeps it from running: the browser has frozen the tab, or the whole device sleeps. */
  readonly #held = new Set<Hold>()
  #isGone = false
  #queue: (() => void)[] = []
  /** What surrounds everything that runs here. */
  around: (task: () => void) => void = (task) => task()
  #isPumping = false
  /** Timers that were neither run nor cancelled. */
  timers = 0

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  get state(): 'running' | 'frozen' | 'gone' {
    if (this.#isGone) return 'gone'
    return this.#held.size > 0 ? 'frozen' : 'running'
  }

  /** Runs it now, or when the tab goes on, or never. */
  run(task: () => void): void {
    if (this.#isGone) return
    if (this.state === 'running' && this.#queue.length === 0) this.around(task)
    else this.#queue.push(task)
  }

  /** The tab's own view of time. */
  clock(time: { wall(): number; random(): number }): Clock {
    return {
      now: () => time.wall(),
      random: () => time.random(),
      after: (delay, callback) => {
        let isOver = false
        this.timers++
        const cancel = this.#timeline.after(delay, () =>
          this.run(() => {
            if (isOver) return
            isOver = true
            this.timers--
            callback()
          }),
        )
        return () => {
          if (!isOver) this.timers--
          isOver = true
          cancel()
        }
      },
    }
  }

  isHeldBy(hold: Hold): boolean {
    return this.#held.has(hold)
  }

  hold(hold: Hold): void {
    this.#held.add(hold)
  }

  release(hold: Hold): void {
    this.#held.delete(hold)
    if (this.state === 'running') this.#pump()
  }

  end(): void {
    this.#isGone = true
    this.#queue = []
  }

  /** What queued up runs in order, each with a turn of its own. */
  #pump(): void {
    if (this.#isPumping || this.#queue.length === 0) return
    this.#isPumping = true
    this.#timeline.after(0, () => {
      this.#isPumping = false
      if (this.state !== 'running') return
      try {
        if (this.#queue[0]) this.around(this.#queue[0])
      } finally {
        this.#queue.shift()
        this.#pump()
      }
    })
  }
}
