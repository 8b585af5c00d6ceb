import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, type CDPSession, chromium } from 'playwright-core'
import { executablePath, switches } from './chromium.ts'
import { Tab } from './tab.ts'
import { until, within } from './until.ts'

export interface TabOptions {
  /**
   * `new`: a window of its own, so that the tab stays visible beside others. `same`, the default: another tab of the
   * window that was used last; the tab that was in front there is hidden by it.
   */
  readonly window?: 'same' | 'new'
}

/**
 * One device: a Chromium of its own with a profile of its own, whose tabs are real ones. The difference to a context
 * of {@link TestBrowser} is that playwright's defaults are off (`noDefaults`): they make every page believe that it is
 * visible and focused, and keep the timers of hidden pages fast. Here the tab in front of each window is visible, the
 * others are hidden, and Chromium treats them as it does a person's.
 */
export class Device implements AsyncDisposable {
  readonly #folder: string
  readonly #process: ChildProcess
  readonly #browser: Browser
  /** A session with the browser itself. */
  readonly devtools: CDPSession
  readonly #context: BrowserContext
  /** What the pages complained about: a page that throws is a failed test. */
  readonly complaints: string[] = []

  private constructor(
    folder: string,
    process: ChildProcess,
    browser: Browser,
    devtools: CDPSession,
    context: BrowserContext,
  ) {
    this.#folder = folder
    this.#process = process
    this.#browser = browser
    this.devtools = devtools
    this.#context = context
    context.on('weberror', (error) => this.complaints.push(String(error.error())))
  }

  /** Starts the browser. @param folder of a profile that an earlier {@link kill9} has left behind */
  static async start({ folder: given }: { folder?: string } = {}): Promise<Device> {
    const folder = given ?? (await mkdtemp(join(tmpdir(), 'tidemark-device-')))
    const child = spawn(
      executablePath,
      [...switches(), '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank'],
      // a group of its own, so that all its processes can be put to sleep at once
      { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
    )
    const killed = () => killGroup(child)
    process.once('exit', killed)
    child.once('exit', () => process.off('exit', killed))
    const address = await within('Chromium starts', 30_000, addressOf(child))
    const browser = await chromium.connectOverCDP(address, { noDefaults: true })
    return new Device(folder, child, browser, await browser.newBrowserCDPSession(), browser.contexts()[0]!)
  }

  get folder(): string {
    return this.#folder
  }

  async openTab(url: string, { window = 'same' }: TabOptions = {}): Promise<Tab> {
    const opened = this.#context.waitForEvent('page')
    await this.devtools.send('Target.createTarget', { url: 'about:blank', newWindow: window === 'new' })
    return Tab.open(await opened, url, this.devtools)
  }

  /** A private window: its tabs share stores with each other only, and nothing is left when it is closed. */
  async openPrivateWindow(): Promise<PrivateWindow> {
    return new PrivateWindow(await this.#browser.newContext(), this.devtools)
  }

  /** As a lid that is closed: every process of the browser stands still; the world goes on. */
  sleep(): void {
    process.kill(-this.#process.pid!, 'SIGSTOP')
  }

  wake(): void {
    process.kill(-this.#process.pid!, 'SIGCONT')
  }

  /** The battery falls out; the profile stays. @returns its folder, for {@link start} */
  async kill9(): Promise<string> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = new Promise((resolve) => this.#process.once('exit', resolve))
      killGroup(this.#process)
      await exited
    }
    return this.#folder
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

/** A private window of a {@link Device}. Playwright's defaults are on here: all its tabs count as visible. */
export class PrivateWindow implements AsyncDisposable {
  readonly #context: BrowserContext
  readonly #root: CDPSession

  constructor(context: BrowserContext, root: CDPSession) {
    this.#context = context
    this.#root = root
  }

  async openTab(url: string): Promise<Tab> {
    return Tab.open(await this.#context.newPage(), url, this.#root)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close()
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL')
  } catch {
    // it is gone already
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 100_000) said += text
  })
  return until('Chromium says where its devtools listen', () => /DevTools listening on (\S+)/.exec(said)?.[1], {
    timeout: 30_000,
  })
}
