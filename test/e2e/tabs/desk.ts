import { expect } from 'vitest'
import { Device, type TabOptions } from '../../helpers/device.ts'
import { freshDatabase, query } from '../../helpers/postgres.ts'
import { ServerProcess } from '../../helpers/server.ts'
import type { Tab } from '../../helpers/tab.ts'
import type { OpenOptions } from '../../helpers/tabs-page/page.ts'
import { PageServer } from '../../helpers/tabs-page/serve.ts'
import { until } from '../../helpers/until.ts'
import { Writer } from '../../helpers/writer.ts'

export interface DeskOptions {
  readonly secret?: string
  /** More of the server's settings. */
  readonly env?: Record<string, string>
}

export interface SitOptions extends TabOptions, Partial<OpenOptions> {
  /** Another page than that of the current version. */
  readonly page?: string
}

/** Attempts follow each other quickly, so that tests need not wait. */
export const impatient = { retry: { kind: 'exponential', first: 50, factor: 2, max: 400, jitter: true } } as const

/** One person's device in front of one server, both new, and the page of an app that uses Tidemark. */
export class Desk implements AsyncDisposable {
  readonly server: ServerProcess
  readonly databaseUrl: string
  readonly pages: PageServer
  readonly #page: string
  device: Device
  readonly document = 'plan'

  private constructor(server: ServerProcess, databaseUrl: string, pages: PageServer, page: string, device: Device) {
    this.server = server
    this.databaseUrl = databaseUrl
    this.pages = pages
    this.#page = page
    this.device = device
  }

  static async start({ env, ...options }: DeskOptions = {}): Promise<Desk> {
    const pages = await PageServer.start()
    const databaseUrl = await freshDatabase()
    const [server, page, device] = await Promise.all([
      ServerProcess.start({ ...options, databaseUrl, env: { TIDEMARK_ALLOWED_ORIGINS: pages.origin, ...env } }),
      pages.add('tidemark'),
      Device.start(),
    ])
    return new Desk(server, databaseUrl, pages, page, device)
  }

  /** A tab with nothing opened in it yet. */
  blankTab(options?: TabOptions): Promise<Tab> {
    return this.device.openTab(this.#page, options)
  }

  /** A tab that has opened the document, and has loaded what the device holds. */
  async tab(name: string, { window = 'new', page = this.#page, settings, ...options }: SitOptions = {}): Promise<Tab> {
    const tab = await this.device.openTab(page, { window })
    const { sync: url } = this.server
    await tab.open({ url, document: this.document, name, settings: { ...impatient, ...settings }, ...options })
    return tab
  }

  /** So many tabs, each in a window of its own unless said otherwise; all are synced. */
  async tabs(count: number, options: SitOptions = {}): Promise<Tab[]> {
    const tabs: Tab[] = []
    for (let index = 0; index < count; index++) {
      const tab = await this.tab(`tab-${index}`, options)
      tabs.push(await tab.synced())
    }
    return tabs
  }

  /** Somebody else, elsewhere, with an unmodified provider. */
  async peer(options: { token?: string } = {}): Promise<Writer> {
    const peer = new Writer({ url: this.server.sync, document: this.document, name: 'peer', ...options })
    return peer.synced()
  }

  /** The server's data is gone; it starts empty. */
  async resetServer(): Promise<void> {
    if (this.server.running) await this.server.kill9()
    await query(this.databaseUrl, 'truncate tidemark_store.documents cascade')
    await this.server.start()
  }

  /** The battery falls out and is put back in: a new browser on the same profile. */
  async restartBrowser(): Promise<void> {
    this.device = await Device.start({ folder: await this.device.kill9() })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
    await this.pages[Symbol.asyncDispose]()
    expect(this.device.complaints).toEqual([])
  }
}

/** The tab whose socket carries the document, as soon as there is exactly one. */
export async function leaderOf(tabs: readonly Tab[], timeout = 10_000): Promise<Tab> {
  return until(
    'one tab leads',
    async () => {
      const leads = await Promise.all(tabs.map((tab) => tab.page.evaluate(() => window.opened.document.isLeader)))
      const leaders = tabs.filter((_, index) => leads[index])
      return leaders.length === 1 ? leaders[0]! : null
    },
    { timeout },
  )
}

/** The names of the first edits of a tab, in order. */
export const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, edit) => `${name}#${edit}`)

/** Waits until each of these tabs holds exactly these edits: each once, none besides. */
export async function allHold(tabs: readonly Tab[], edits: readonly string[]): Promise<void> {
  const expected = [...edits].sort()
  for (const tab of tabs) {
    await until('the tab has every edit', async () => (await tab.edits()).length >= expected.length)
    expect((await tab.edits()).sort()).toEqual(expected)
  }
}

/** The same of what the server gives to a newcomer. */
export function editsAt(peer: Writer): string[] {
  return peer.edits
    .toArray()
    .map((edit) => edit.split('@')[0]!)
    .sort()
}
