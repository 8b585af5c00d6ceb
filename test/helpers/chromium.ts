import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { DemoPage } from './demo-page.ts'

const screenshots = fileURLToPath(new URL('../screenshots/', import.meta.url))

/** Debian's path: what `npm test` finds or installs is in $CHROMIUM. */
export const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/**
 * What Chromium does besides showing pages. Of switches with one name the last counts, so playwright's own list of
 * features is replaced by this one.
 */
const unwantedFeatures = [
  // each window loads two pages for the menu of its address bar: half of the browser's CPU time in these tests
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  // talk to the world
  'AimEnabled',
  'HttpsUpgrades',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PreconnectToSearch',
  // playwright waits for what these put off
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'PaintHolding',
]

/** Nothing that talks to the world by itself; as root there is no sandbox. */
export const switches = (): string[] => [
  `--disable-features=${unwantedFeatures.join(',')}`,
  '--disable-quic',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
]

/**
 * A browser for one test file; `person()` opens a browser profile of its own in it. All its pages count as visible;
 * where visibility, sleep or a crash matters, take a {@link Device}.
 */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async launch(): Promise<TestBrowser> {
    return new TestBrowser(await chromium.launch({ executablePath, args: switches() }))
  }

  /** Somebody at a browser of their own. */
  async person(settings: BrowserContextOptions = {}): Promise<Person> {
    return new Person(await this.#browser.newContext(settings))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
  }
}

/** One browser profile: its pages share local stores, as the tabs of one person do. */
export class Person implements AsyncDisposable {
  readonly context: BrowserContext
  /** What the pages complained about: a page that throws is a failed test. */
  readonly complaints: string[] = []

  constructor(context: BrowserContext) {
    this.context = context
    context.on('weberror', (error) => this.complaints.push(String(error.error())))
    context.on('console', (message) => {
      // the browser's own words about a connection or a file that did not come are what these tests provoke
      if (message.type() === 'error' && !/WebSocket|Failed to load resource|net::/.test(message.text())) {
        this.complaints.push(message.text())
      }
    })
  }

  async open(url: string): Promise<DemoPage> {
    const page = await this.context.newPage()
    await page.goto(url)
    return new DemoPage(page)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close()
  }
}

/** Keeps a picture in test/screenshots for people to look at. */
export async function picture(page: Page, name: string): Promise<void> {
  await mkdir(screenshots, { recursive: true })
  await page.screenshot({ path: `${screenshots}${name}.png` })
}
