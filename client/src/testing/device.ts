import type * as Y from 'yjs'
import type { AccountNotes } from '../account/notes.ts'
import type { Chance } from './chance.ts'
import { Channels } from './channels.ts'
import { Disk, pendingOf, readCopy, type Written } from './disk/disk.ts'
import { Backend, type StepKind, type StepOutcome } from './indexeddb/backend.ts'
import { LockTable } from './locks.ts'
import type { MemoryServer } from './memory-server/memory-server.ts'
import { DeviceNetwork, type Duration, durationOf } from './network.ts'
import { Tab } from './tab.ts'
import { Thread } from './thread.ts'
import type { Timeline } from './timeline.ts'

/** What a device is made with. */
export interface DeviceMeans {
  readonly timeline: Timeline
  readonly chance: Chance
  readonly server: MemoryServer
  readonly wallClock: () => number
  readonly latency: Duration
  readonly channelLatency: Duration
  readonly diskDelay: Duration
  readonly within: (tab: Tab, task: () => void) => void
}

/** What a device's disk holds of one document. */
export interface Stored {
  readonly doc: Y.Doc
  readonly pendingCount: number
  /** By opening: the first and the last position that is pending. */
  readonly marks: ReadonlyMap<string, { readonly from: number; readonly to: number }>
  /** The updates that it is stored in. */
  readonly rows: readonly Uint8Array[]
  /** @internal every update that was ever stored in it, and the position under which it is marked */
  readonly written: readonly Written[]
  readonly epoch: string | null
}

/** A browser profile: what its tabs share. Made by `world.device(name)`. */
export class Device {
  readonly name: string
  readonly #means: DeviceMeans
  readonly #network: DeviceNetwork
  readonly #disk: Disk
  readonly #locks: LockTable
  readonly #channels: Channels
  /** @internal what its browser stores, where tabs use IndexedDB itself */
  readonly indexeddb: Backend
  /** By server: which account was here last. */
  readonly #accounts = new Map<string, string>()
  readonly #tabs = new Map<Tab, Thread>()

  /** @internal use `world.device(name)` */
  constructor(name: string, means: DeviceMeans) {
    const { timeline, chance, server } = means
    this.name = name
    this.#means = means
    this.#network = new DeviceNetwork(timeline, chance, server, means.latency)
    this.#disk = new Disk(timeline, chance, means.diskDelay)
    this.indexeddb = new Backend(timeline, chance, means.diskDelay)
    this.#locks = new LockTable(timeline)
    this.#channels = new Channels(timeline, () => durationOf(means.channelLatency, chance))
  }

  /** The tabs that are neither closed nor crashed. */
  get tabs(): readonly Tab[] {
    return [...this.#tabs.keys()]
  }

  get network(): 'clear' | 'offline' | 'partitioned' {
    return this.#network.state
  }

  /** How many WebSockets its tabs have open. */
  get socketCount(): number {
    return this.#network.socketCount
  }

  /** @param options.prerendered in the background, before anybody looks: its locks wait until `tab.activate()` */
  openTab({
    visible = true,
    prerendered = false,
  }: {
    readonly visible?: boolean
    readonly prerendered?: boolean
  } = {}): Tab {
    const { timeline, chance, wallClock } = this.#means
    const thread = new Thread(timeline)
    const tab: Tab = new Tab(
      this.name,
      {
        thread,
        clock: thread.clock({ wall: wallClock, random: () => chance.next() }),
        network: this.#network,
        locks: this.#locks,
        channels: this.#channels,
        disk: this.#disk,
        indexeddb: this.indexeddb,
        accountNotes: notesIn(this.#accounts),
        clientId: () => chance.below(2 ** 32),
        onEnd: () => this.#tabs.delete(tab),
      },
      visible,
    )
    thread.around = (task) => this.#means.within(tab, task)
    this.#tabs.set(tab, thread)
    if (prerendered) this.#locks.prerender(thread)
    return tab
  }

  // ——— network ———

  /** No network, and the device knows it. The server notices only after a while. */
  goOffline(): void {
    this.#network.goOffline()
  }

  goOnline(): void {
    this.#network.goOnline()
  }

  /** Nothing gets through, and nobody is told: sockets stay open, what is sent waits. */
  partition(): void {
    this.#network.partition()
  }

  /** What waited gets through, unless one of the two sides has given up meanwhile. */
  heal(): void {
    this.#network.heal()
  }

  /** Its connections break, now; what was under way is lost. */
  cutConnections(): void {
    this.#network.cutConnections()
  }

  /** How long a message takes to the server or back, in ms. */
  setLatency(latency: Duration): void {
    this.#network.latency = latency
  }

  /** The lid is closed: all tabs stop without a word, the line is silent. */
  sleep(): void {
    for (const thread of this.#tabs.values()) thread.hold('asleep')
    this.#network.partition()
  }

  wake(): void {
    this.#network.heal()
    for (const thread of this.#tabs.values()) {
      if (!thread.isHeldBy('asleep')) continue
      thread.release('asleep')
      this.#network.woke(thread)
    }
  }

  /** The browser answers no request for a lock, until {@link answerLocks}. */
  stallLocks(): void {
    this.#locks.stall()
  }

  answerLocks(): void {
    this.#locks.goOn()
  }

  // ——— disk ———

  /** `full`: nothing more can be written. `broken`: nothing can be read or written. */
  failStore(how: 'full' | 'broken'): void {
    this.#disk.state = how
    this.indexeddb.outcomeOf = how === 'full' ? whenFull : whenBroken
  }

  healStore(): void {
    this.#disk.state = 'well'
    this.indexeddb.outcomeOf = () => 'well'
  }

  /** How long a transaction takes, in ms. */
  delayStore(delay: Duration): void {
    this.#disk.delay = delay
    this.indexeddb.delay = delay
  }

  /** The person, or the browser, throws all local data away, also what is in use. */
  clearStorage(): void {
    this.#disk.clear()
    this.indexeddb.clear()
    this.#accounts.clear()
  }

  /** What the disk holds of a document; null when nothing. */
  stored(document: string, namespace = 'tidemark'): Stored | null {
    const copy = this.#disk.current(namespace, document)
    return copy && describe(copy)
  }

  /** @internal the opening of one of its tabs' documents, under which its edits are marked */
  openingOf(doc: Y.Doc): string | null {
    return this.#disk.openings.get(doc) ?? null
  }

  /** @internal the position of an opening's newest edit */
  newestOf(doc: Y.Doc): number {
    return this.#disk.newest.get(this.openingOf(doc) ?? '') ?? 0
  }

  /** The copies of a document that were set aside, the oldest first. */
  setAside(document: string, namespace = 'tidemark'): Stored[] {
    return this.#disk
      .copies(namespace)
      .filter((copy) => copy.document === document && copy.setAside)
      .map(describe)
  }
}

function notesIn(accounts: Map<string, string>): AccountNotes {
  return {
    read: async (url) => accounts.get(url) ?? null,
    async update(url, next) {
      const key = next(accounts.get(url) ?? null)
      if (key === null) accounts.delete(url)
      else accounts.set(url, key)
    },
  }
}

function describe(copy: Parameters<typeof readCopy>[0]): Stored {
  return {
    doc: readCopy(copy),
    pendingCount: pendingOf(copy),
    marks: new Map(copy.marks),
    rows: [...copy.rows],
    written: [...copy.written],
    epoch: copy.history?.epoch ?? null,
  }
}

const whenFull = (kind: StepKind): StepOutcome => (kind === 'commit' ? 'full' : 'well')
const whenBroken = (kind: StepKind): StepOutcome => (kind === 'begin' ? 'well' : 'fails')
