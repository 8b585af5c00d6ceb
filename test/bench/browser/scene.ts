import { Device, type TabOptions } from '../../helpers/device.ts'
import type { Tab } from '../../helpers/tab.ts'
import type { PageKind } from '../../helpers/tabs-page/page.ts'
import { PageServer } from '../../helpers/tabs-page/serve.ts'
import type { BenchContext } from '../figures/figure.ts'
import type { Database } from '../systems/postgres.ts'
import type { RunningSystem, System } from '../systems/system.ts'

/** What runs in the tabs: of a system without acks and storage there is no client to set beside the others. */
export const inTabs = (systems: readonly System[]): System[] => systems.filter(({ stores }) => stores)

/** As the report says it, for each figure. */
export const whatRuns =
  'Real Chromium, headless, the tabs’ visibility as the browser sees it. Stock is y-indexeddb’s IndexeddbPersistence ' +
  'and an unmodified HocuspocusProvider in each tab, on the stock server.'

const kindOf = ({ name }: System): PageKind => (name === 'tidemark' ? 'tidemark' : 'stock')

/** The pages of both clients, built as an app would ship them. */
export class Pages implements AsyncDisposable {
  readonly server: PageServer
  readonly #urls = new Map<PageKind, string>()

  private constructor(server: PageServer) {
    this.server = server
  }

  static async start(systems: readonly System[]): Promise<Pages> {
    const pages = new Pages(await PageServer.start())
    for (const kind of systems.map(kindOf)) pages.#urls.set(kind, await pages.server.add(kind, { minify: true }))
    return pages
  }

  of(system: System): string {
    return this.#urls.get(kindOf(system))!
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server[Symbol.asyncDispose]()
  }
}

/** One device in front of one server, both new. */
export class Scene implements AsyncDisposable {
  readonly device: Device
  readonly server: RunningSystem
  readonly database: Database
  readonly #page: string

  private constructor(device: Device, server: RunningSystem, database: Database, page: string) {
    this.device = device
    this.server = server
    this.database = database
    this.#page = page
  }

  static async start(context: BenchContext, system: System, pages: Pages, hosts: string[] = []): Promise<Scene> {
    const database = await context.postgres.createDatabase()
    const server = await system.start({ database, origins: [pages.server.origin], hosts })
    return new Scene(await Device.start(), server, database, pages.of(system))
  }

  /** A tab in which nothing is open yet. */
  blankTab({ on = this.device, ...options }: TabOptions & { on?: Device } = {}): Promise<Tab> {
    return on.openTab(this.#page, options)
  }

  /** So many tabs on one document, all of them synced. */
  async tabs(count: number, document: string, options: TabOptions & { url?: string } = {}): Promise<Tab[]> {
    const tabs: Tab[] = []
    for (let index = 0; index < count; index++) {
      const tab = await this.blankTab(options)
      await tab.open({ url: options.url ?? this.server.url, document, name: `tab-${index}`, author: 1001 + index })
      tabs.push(await tab.synced())
    }
    return tabs
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device[Symbol.asyncDispose]()
    await this.server.process.kill()
  }
}
