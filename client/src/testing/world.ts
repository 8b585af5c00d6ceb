import { Chance } from './chance.ts'
import { Device } from './device.ts'
import { type Authorise, MemoryServer } from './memory-server/memory-server.ts'
import type { Duration } from './network.ts'
import type { Tab } from './tab.ts'
import { Timeline } from './timeline.ts'

export interface WorldOptions {
  /** The same seed gives the same run. Default 1. */
  readonly seed?: number
  /** How long a message takes between a device and the server, one way, in ms. Default 5. */
  readonly latency?: Duration
  /** How long a message takes from tab to tab, in ms. Default 1. */
  readonly channelLatency?: Duration
  /** How long a transaction of the local store takes, in ms. Default 2. */
  readonly diskDelay?: Duration
  /** The wall clock at the begin, Unix time in ms. Default: the first of January 2026. */
  readonly now?: number
  /** What a token allows. Default: everybody may write everything. */
  readonly authorise?: Authorise
  /** @internal surrounds everything that runs in a tab, so that its globals can be the tab's own */
  readonly within?: (tab: Tab, task: () => void) => void
}

/**
 * A world for tests: a server, devices, tabs, networks and disks, all in memory, with a time of its own that moves
 * only when it is told to.
 *
 * @example
 * const world = createWorld({ seed: 1 })
 * const laptop = world.device('laptop')
 * const plan = laptop.openTab().createClient().open('plan')
 * await world.settle()
 *
 * world.goOffline()
 * plan.doc.getText('body').insert(0, 'written in a tunnel')
 * expect(plan.status.kind).toBe('offline')
 * expect(plan.pendingCount).toBe(1)
 *
 * world.goOnline()
 * await world.settle()
 * expect(plan.status.kind).toBe('saved')
 * expect(world.server.committed('plan').getText('body').toString()).toBe('written in a tunnel')
 */
export class World {
  readonly server: MemoryServer
  readonly #timeline = new Timeline()
  readonly #chance: Chance
  readonly #options: WorldOptions
  readonly #devices = new Map<string, Device>()
  #wallClock: number

  /** @internal use {@link createWorld} */
  constructor(options: WorldOptions) {
    this.#options = options
    this.#chance = new Chance(options.seed ?? 1)
    this.#wallClock = options.now ?? Date.UTC(2026, 0, 1)
    this.server = new MemoryServer(this.#timeline, this.#chance, options.authorise ?? (() => 'write'))
  }

  /** The wall clock of all devices, Unix time in ms. */
  get now(): number {
    return this.#wallClock + this.#timeline.time
  }

  /** ms since the world began; never jumps. */
  get time(): number {
    return this.#timeline.time
  }

  get devices(): readonly Device[] {
    return [...this.#devices.values()]
  }

  /** The device of this name; a new one when there is none yet. */
  device(name: string): Device {
    const known = this.#devices.get(name)
    if (known) return known
    const { latency = 5, channelLatency = 1, diskDelay = 2, within } = this.#options
    const device = new Device(name, {
      ...{ timeline: this.#timeline, chance: this.#chance, server: this.server },
      ...{ latency, channelLatency, diskDelay },
      within: within ?? ((_tab, task) => task()),
      wallClock: () => this.now,
    })
    this.#devices.set(name, device)
    return device
  }

  /** Lets `ms` pass: everything that is due happens in its order, and promises are run to their end in between. */
  advanceTime(ms: number): Promise<void> {
    return this.#timeline.advance(ms)
  }

  /**
   * Lets time pass until nothing is under way and every document in every running tab says `saved`; at most `limit` ms.
   * @returns whether it came to that
   */
  async settle({ limit = 60_000 }: { readonly limit?: number } = {}): Promise<boolean> {
    const end = this.#timeline.time + limit
    await this.#timeline.advance(0)
    while (!this.#isSettled()) {
      if (!(await this.#timeline.step(end))) {
        await this.#timeline.advance(end - this.#timeline.time)
        return this.#isSettled()
      }
    }
    return true
  }

  #isSettled(): boolean {
    if (this.#timeline.underWay > 0) return false
    return this.devices.every(({ tabs }) =>
      tabs.every(
        ({ state, documents }) => state !== 'running' || documents.every(({ status }) => status.kind === 'saved'),
      ),
    )
  }

  /** All devices there are lose their network, and know it. */
  goOffline(): void {
    for (const device of this.devices) device.goOffline()
  }

  goOnline(): void {
    for (const device of this.devices) device.goOnline()
  }

  /** Nothing gets through between devices and server, and nobody is told. */
  partition(): void {
    for (const device of this.devices) device.partition()
  }

  heal(): void {
    for (const device of this.devices) device.heal()
  }

  /** Edits are committed, and acknowledged, this much later, in ms. */
  delayAcks(ms: number): void {
    this.server.setCommitDelay(ms)
  }

  /** The wall clock of all devices jumps, forward or back, as when it is set right. Timers are not moved by it. */
  jumpClock(ms: number): void {
    this.#wallClock += ms
  }

  /** Ends all tabs. */
  close(): void {
    for (const { tabs } of this.devices) for (const tab of tabs) tab.crash()
  }
}

/** Makes a {@link World}. */
export function createWorld(options: WorldOptions = {}): World {
  return new World(options)
}
