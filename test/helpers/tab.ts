import { readFileSync } from 'node:fs'
import type { CDPSession, Page } from 'playwright-core'
import type { OpenOptions, PageStatus, TabPage } from './tabs-page/page.ts'
import { pause, until } from './until.ts'

/** A tab with one of the test pages in it: what a person does with it, and what can be done to it. */
export class Tab {
  readonly page: Page
  readonly #devtools: CDPSession
  readonly #root: CDPSession

  private constructor(page: Page, devtools: CDPSession, root: CDPSession) {
    this.page = page
    this.#devtools = devtools
    this.#root = root
  }

  /** @param root a session with the browser itself */
  static async open(page: Page, url: string, root: CDPSession): Promise<Tab> {
    await page.goto(url)
    await page.waitForFunction(() => window.tab !== undefined)
    return new Tab(page, await page.context().newCDPSession(page), root)
  }

  /** Opens a document, and waits until the local copy is there. @returns how long that took, in ms */
  async open(options: OpenOptions): Promise<number> {
    return this.page.evaluate((options) => {
      window.tab.open(options)
      return window.tab.whenLoaded()
    }, options)
  }

  async synced(): Promise<this> {
    await this.page.evaluate(() => window.tab.whenSynced())
    return this
  }

  /** Reads something of the page. */
  read<Value>(what: (tab: TabPage) => Value): Promise<Awaited<Value>> {
    return this.page.evaluate(`(${what})(window.tab)`) as Promise<Awaited<Value>>
  }

  async write(count = 1): Promise<void> {
    await this.page.evaluate((count) => window.tab.edits.write(count), count)
  }

  async startWriting(perSecond: number): Promise<void> {
    await this.page.evaluate((perSecond) => window.tab.edits.startWriting(perSecond), perSecond)
  }

  /** @returns how many edits this tab has made in all */
  stopWriting(): Promise<number> {
    return this.read(({ edits }) => edits.stopWriting())
  }

  status(): Promise<PageStatus> {
    return this.read((tab) => tab.status())
  }

  edits(): Promise<string[]> {
    return this.read(({ edits }) => edits.all())
  }

  async becomes(kind: string, timeout = 10_000): Promise<void> {
    let status: PageStatus | null = null
    await until(
      `the tab says ${kind}`,
      async () => {
        status = await this.status()
        if (status.kind !== kind) throw new Error(`it says ${JSON.stringify(status)}`)
        return true
      },
      { timeout },
    )
  }

  async isVisible(): Promise<boolean> {
    return this.page.evaluate(() => document.visibilityState === 'visible')
  }

  /** Brings it to the front of its window; the tab that was there is hidden from now on. */
  async show(): Promise<void> {
    await this.page.bringToFront()
    await until('the tab is visible', () => this.isVisible())
  }

  /** Minimises its window: whatever is in that window is hidden. */
  async minimise(): Promise<void> {
    await this.#setWindow('minimized')
    await until('the tab is hidden', async () => !(await this.isVisible()))
  }

  async restore(): Promise<void> {
    await this.#setWindow('normal')
    await until('the tab is visible', () => this.isVisible())
  }

  async #setWindow(windowState: 'minimized' | 'normal'): Promise<void> {
    const { windowId } = await this.#devtools.send('Browser.getWindowForTarget')
    await this.#devtools.send('Browser.setWindowBounds', { windowId, bounds: { windowState } })
  }

  /** As Chromium freezes a tab in the background to save power; the tab hears `freeze`. A visible tab is hidden first. */
  async freeze(): Promise<void> {
    await this.#devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
  }

  /** It stays hidden until it is shown. */
  async unfreeze(): Promise<void> {
    await this.#devtools.send('Page.setWebLifecycleState', { state: 'active' })
  }

  /** "Aw, Snap!": its renderer is gone between two instructions. */
  async crash(): Promise<void> {
    const crashed = new Promise((resolve) => this.page.once('crash', resolve))
    this.#devtools.send('Page.crash').catch(() => {})
    await crashed
  }

  /** Its process stands still without a word, as in an endless loop or an overloaded system, until it `go`es on. */
  async stop(): Promise<{ at: number; go(): void }> {
    return until('the renderer of the tab is stopped', () => this.#stopOnce(), { timeout: 30_000 })
  }

  async #stopOnce(): Promise<{ at: number; go(): void }> {
    const pid = await this.processId()
    const at = performance.now()
    const go = () => process.kill(pid, 'SIGCONT')
    process.kill(pid, 'SIGSTOP')
    // on a busy machine another one may have stood out
    const answer = this.page.evaluate(() => 'still here').catch(() => 'gone')
    if ((await Promise.race([answer, pause(1_500)])) === undefined) return { at, go }
    go()
    throw new Error(`it was not ${pid}`)
  }

  /** Of its renderer. The devtools protocol does not tell, so the tab has to show itself by being busy. */
  processId(): Promise<number> {
    return until('the renderer of the tab stands out', () => this.#busiestRenderer(), { timeout: 20_000 })
  }

  async #busiestRenderer(): Promise<number> {
    const { processInfo } = await this.#root.send('SystemInfo.getProcessInfo')
    const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
    const before = new Map(renderers.map((pid) => [pid, cpuTicks(pid)]))
    await this.page.evaluate(() => {
      const end = performance.now() + 200
      while (performance.now() < end);
    })
    const used = renderers.map((pid) => ({ pid, ticks: cpuTicks(pid) - before.get(pid)! }))
    const [busiest, next] = used.sort((a, b) => b.ticks - a.ticks)
    if (!busiest || busiest.ticks < 5 || (next && next.ticks > busiest.ticks / 2)) {
      throw new Error(JSON.stringify(used))
    }
    return busiest.pid
  }

  /**
   * For the whole origin, of this browser profile, as long as this tab is open. null: as much as the browser gives.
   * To be set before anything is written: Chromium does not ask for 30 s how much of a generous quota is left.
   */
  async setQuota(bytes: number | null): Promise<void> {
    const { origin } = new URL(this.page.url())
    await this.#devtools.send('Storage.overrideQuotaForOrigin', {
      origin,
      ...(bytes === null ? {} : { quotaSize: bytes }),
    })
  }

  /** As "clear browsing data" does, while pages are open. */
  async clearStorage(): Promise<void> {
    const { origin } = new URL(this.page.url())
    await this.#devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' })
  }

  /** Closes it at once, without asking. */
  async close(): Promise<void> {
    await this.page.close({ runBeforeUnload: false })
  }
}

/** User and system time of a process, in the kernel's ticks of 10 ms. 0 for one that is gone. */
function cpuTicks(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return 0
  }
}
