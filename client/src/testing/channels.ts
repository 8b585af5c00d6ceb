import type { Channel } from '../tabs/world.ts'
import type { Thread } from './thread.ts'
import type { Timeline } from './timeline.ts'

interface End {
  readonly thread: Thread
  readonly channel: Channel
  lastArrival: number
}

/** The BroadcastChannels of one device. */
export class Channels {
  readonly #timeline: Timeline
  readonly #latency: () => number
  readonly #ends = new Map<string, Set<End>>()

  constructor(timeline: Timeline, latency: () => number) {
    this.#timeline = timeline
    this.#latency = latency
  }

  open(name: string, thread: Thread): Channel {
    let ends = this.#ends.get(name)
    if (!ends) this.#ends.set(name, (ends = new Set()))
    const channel: Channel = {
      post: (message) => this.#post(name, end, message),
      close: () => this.#ends.get(name)?.delete(end),
      onMessage() {},
    }
    const end: End = { thread, channel, lastArrival: 0 }
    ends.add(end)
    return channel
  }

  /** The channels that a tab has open. */
  of(thread: Thread): string[] {
    return [...this.#ends].flatMap(([name, ends]) => [...ends].filter((end) => end.thread === thread).map(() => name))
  }

  tabEnded(thread: Thread): void {
    for (const ends of this.#ends.values()) {
      for (const end of ends) if (end.thread === thread) ends.delete(end)
    }
  }

  #post(name: string, from: End, message: unknown): void {
    if (from.thread.state === 'gone') return
    const ends = this.#ends.get(name)
    if (!ends?.has(from)) throw new DOMException('the channel is closed', 'InvalidStateError')
    // what one end says arrives in order
    from.lastArrival = Math.max(from.lastArrival, this.#timeline.time + this.#latency())
    for (const end of ends) {
      if (end === from) continue
      const copy: unknown = structuredClone(message)
      this.#timeline.effectAt(from.lastArrival, () =>
        end.thread.run(() => {
          if (ends.has(end)) end.channel.onMessage(copy)
        }),
      )
    }
  }
}
