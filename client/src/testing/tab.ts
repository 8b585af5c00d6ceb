import type { Clock } from '@tidemark/shared'
import * as Y from 'yjs'
import type { AccountNotes } from '../account/notes.ts'
import { TidemarkClient } from '../client.ts'
import type { TidemarkDocument } from '../document.ts'
import type { Network } from '../link/network.ts'
import type { CreateSocket } from '../link/socket.ts'
import type { ClientOptions } from '../options.ts'
import { IndexeddbStores } from '../store/indexeddb-stores.ts'
import type { LocalStores } from '../store/local-store.ts'
import type { PageEvents, TabWorld } from '../tabs/world.ts'
import type { Channels } from './channels.ts'
import type { Disk } from './disk/disk.ts'
import { DiskStores } from './disk/disk-stores.ts'
import type { Backend } from './indexeddb/backend.ts'
import { Factory } from './indexeddb/factory.ts'
import type { LockTable } from './locks.ts'
import type { DeviceNetwork } from './network.ts'
import { keepTime } from './presence-time.ts'
import type { Thread } from './thread.ts'

/** What a tab shares with the others of its device. */
export interface TabMeans {
  readonly thread: Thread
  readonly clock: Clock
  readonly network: DeviceNetwork
  readonly locks: LockTable
  readonly channels: Channels
  readonly disk: Disk
  readonly indexeddb: Backend
  readonly accountNotes: AccountNotes
  /** A Yjs client id that is the same for the same seed. */
  readonly clientId: () => number
  readonly onEnd: () => void
}

/** What an app decides itself; where a client keeps, sends and counts time is the world's affair. */
export type TabClientOptions = Omit<
  Partial<ClientOptions>,
  'clock' | 'createSocket' | 'network' | 'tabs' | 'accountNotes'
> & {
  /**
   * `simulated`: on the device's simulated disk, which is fast. `browser`: as in a browser, by the `indexedDB` that the
   * client finds, which is {@link Tab.indexedDB} if whoever runs the test sees to it. Default `simulated`.
   */
  readonly disk?: 'simulated' | 'browser'
}

/** A tab of a simulated browser. Made by `device.openTab()`. */
export class Tab {
  readonly device: string
  /** How this tab finds the others; what a client takes as its option `tabs`. */
  readonly world: TabWorld
  readonly #means: TabMeans
  readonly #listeners = new Set<PageEvents>()
  readonly #clients: TidemarkClient[] = []
  #isVisible: boolean

  /** @internal use `device.openTab()` */
  constructor(device: string, means: TabMeans, isVisible: boolean) {
    this.device = device
    this.#means = means
    this.#isVisible = isVisible
    const { thread, locks, channels } = means
    const isShown = () => this.#isVisible
    this.world = {
      locks: locks.forTab(thread),
      openChannel: (name) => channels.open(name, thread),
      page: {
        get isVisible() {
          return isShown()
        },
        listen: (on) => {
          this.#listeners.add(on)
          return () => this.#listeners.delete(on)
        },
      },
    }
  }

  get state(): 'running' | 'frozen' | 'gone' {
    return this.#means.thread.state
  }

  get isVisible(): boolean {
    return this.#isVisible
  }

  /** The documents that its clients have open. */
  get documents(): TidemarkDocument[] {
    return this.#clients.flatMap(({ documents }) => documents)
  }

  /** The tab's own clock: its timers stand still while the tab is frozen, and end with it. */
  get clock(): Clock {
    return this.#means.clock
  }

  /** Opens a WebSocket to the world's server; what a client takes as its option `createSocket`. */
  get createSocket(): CreateSocket {
    return this.#means.network.open(this.#means.thread)
  }

  /** What the browser tells of the network; what a client takes as its option `network`. */
  get network(): Network {
    return this.#means.network.hint(this.#means.thread)
  }

  /** The tab's view of its device's disk; what a client takes, in a function, as its option `localStores`. */
  localStores(namespace = 'tidemark'): LocalStores {
    return new DiskStores(this.#means.disk, namespace, this.#means)
  }

  /** IndexedDB as this tab has it: its device's, gone with the tab. */
  get indexedDB(): IDBFactory {
    return new Factory(this.#means.indexeddb, this.#means.thread) as unknown as IDBFactory
  }

  /** Does something as the page in this tab does it; nothing when the tab is gone, and later when it is frozen. */
  run(task: () => void): void {
    this.#means.thread.run(task)
  }

  /** A real Tidemark client that lives in this tab. */
  createClient({ disk = 'simulated', ...options }: TabClientOptions = {}): TidemarkClient {
    const isSimulated = disk === 'simulated' && options.localStores === undefined
    const client = new TabClient(
      {
        url: 'ws://tidemark.test/sync',
        log: () => {},
        ...options,
        clock: this.clock,
        createSocket: this.createSocket,
        network: this.network,
        tabs: this.world,
        accountNotes: this.#means.accountNotes,
        localStores: (settings) =>
          isSimulated
            ? this.localStores(settings.namespace)
            : noting(this.#means.disk, options.localStores?.(settings) ?? new IndexeddbStores(settings)),
      },
      this.#means.clientId,
    )
    this.#clients.push(client)
    return client
  }

  /** A person looks at the page that was prerendered. */
  activate(): void {
    this.#means.locks.activate(this.#means.thread)
  }

  /** @internal what its code has not let go of: nothing, once all its clients are closed */
  get heldStill(): string[] {
    const { thread, network, locks, channels, indexeddb } = this.#means
    const { sockets, listeners } = network.countOf(thread)
    const counted = Object.entries({ sockets, listeners: listeners + this.#listeners.size, timers: thread.timers })
    return [
      ...counted.filter(([, count]) => count > 0).map(([what, count]) => `${count} ${what}`),
      ...locks.of(thread).map((name) => `the lock ${name}`),
      ...channels.of(thread).map((name) => `the channel ${name}`),
      ...indexeddb.connectionsOf(thread).map((name) => `a connection to ${name}`),
    ]
  }

  hide(): void {
    this.#show(false)
  }

  show(): void {
    this.#show(true)
  }

  #show(isVisible: boolean): void {
    if (this.#isVisible === isVisible) return
    this.#isVisible = isVisible
    this.#tell('visibilityChanged')
    if (isVisible) this.#means.network.woke(this.#means.thread)
  }

  /** The browser stops the tab: its timers stand still, and what comes for it waits. */
  freeze(): void {
    const { thread } = this.#means
    if (this.state === 'gone' || thread.isHeldBy('frozen')) return
    this.#tell('stopping')
    thread.hold('frozen')
  }

  resume(): void {
    const { thread, network } = this.#means
    if (this.state === 'gone' || !thread.isHeldBy('frozen')) return
    thread.release('frozen')
    this.#tell('resumed')
    network.woke(thread)
  }

  /** The person closes it: the page hears of it, and then it is gone. What had not reached the disk is lost. */
  close(): void {
    if (this.state === 'running') this.#tell('stopping')
    this.crash()
  }

  /** The tab is gone without a word. What had not reached the disk is lost. */
  crash(): void {
    if (this.state === 'gone') return
    const { thread, network, locks, channels, indexeddb, onEnd } = this.#means
    thread.end()
    indexeddb.tabEnded(thread)
    network.tabEnded(thread)
    locks.tabEnded(thread)
    channels.tabEnded(thread)
    this.#listeners.clear()
    onEnd()
  }

  #tell(event: keyof PageEvents): void {
    const { thread } = this.#means
    for (const listener of [...this.#listeners]) {
      // one that was taken away before its turn came hears nothing, as of a browser's events
      thread.run(() => {
        if (this.#listeners.has(listener)) listener[event]()
      })
    }
  }
}

/** A client whose documents have the same Yjs client ids whenever the world has the same seed, and its time. */
class TabClient extends TidemarkClient {
  readonly #clientId: () => number
  readonly #clock: Clock

  constructor(options: ClientOptions & { readonly clock: Clock }, clientId: () => number) {
    super(options)
    this.#clientId = clientId
    this.#clock = options.clock
  }

  override open(name: string, options: { readonly doc?: Y.Doc } = {}): TidemarkDocument {
    const open = this.documents.find((document) => document.name === name)
    if (open && !open.isSetAside && !open.isBroken) return super.open(name, options)
    const doc = options.doc ?? new Y.Doc({ guid: name })
    if (!options.doc) doc.clientID = this.#clientId()
    const document = super.open(name, { ...options, doc })
    keepTime(document.awareness, this.#clock)
    return document
  }
}

/** Takes note of the name under which each opening's dirty mark stands, and of its newest edit. */
function noting(disk: Disk, stores: LocalStores): LocalStores {
  const { open } = stores
  stores.open = (document, doc, opening, events) => {
    disk.openings.set(doc, opening)
    const store = open.call(stores, document, doc, opening, events)
    const { append } = store
    store.append = (update, position) => {
      if (position !== null) disk.newest.set(opening, Math.max(position, disk.newest.get(opening) ?? 0))
      return append.call(store, update, position)
    }
    return store
  }
  return stores
}
