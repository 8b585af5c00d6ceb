import type { Locator, Page } from 'playwright-core'
import { until } from './until.ts'

export type Indicated = 'loading' | 'offline' | 'syncing' | 'saved' | 'error'

/** The demo page as a person uses it: by what they read, click and type. */
export class DemoPage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  get editor(): Locator {
    return this.page.getByTestId('editor')
  }

  get indicator(): Locator {
    return this.page.getByTestId('indicator')
  }

  toast(key: string): Locator {
    return this.page.locator(`[data-testid="toast"][data-key="${key}"]`)
  }

  /** Waits until the text can be changed. */
  async editable(): Promise<this> {
    await until(
      'the document can be written',
      async () => (await this.editor.getAttribute('contenteditable')) === 'true',
      {
        timeout: 15_000,
      },
    )
    return this
  }

  /** Types at the end of the document. */
  async write(text: string): Promise<void> {
    await this.editor.click()
    await this.page.keyboard.press('Control+End')
    await this.page.keyboard.type(text)
  }

  /** The text as the reader sees it, without the names at the others' carets. */
  async text(): Promise<string> {
    return this.editor.evaluate((editor) => {
      const copy = editor.cloneNode(true) as HTMLElement
      for (const caret of copy.querySelectorAll('[data-testid="caret"], .placeholder')) caret.remove()
      return [...copy.children].map((block) => block.textContent).join('\n')
    })
  }

  async state(): Promise<Indicated> {
    return (await this.indicator.getAttribute('data-state')) as Indicated
  }

  async shows(text: string, timeout = 10_000): Promise<void> {
    await until(`the page shows “${text}”`, async () => (await this.text()).includes(text), { timeout })
  }

  async becomes(state: Indicated, timeout = 15_000): Promise<void> {
    await until(
      `the indicator says ${state}`,
      async () => {
        const now = await this.state()
        if (now !== state) throw new Error(`it says ${now}: ${await this.indicator.getAttribute('title')}`)
        return true
      },
      { timeout },
    )
  }

  /** Signs in with a token, as the page asks for it. */
  async signIn(token: string): Promise<void> {
    await this.page.getByTestId('token').fill(token)
    await this.page.getByTestId('sign-in').click()
  }

  async callMe(name: string): Promise<void> {
    await this.page.getByTestId('people').click()
    await this.page.getByTestId('my-name').fill(name)
    await this.page.getByTestId('my-name').press('Enter')
    await this.page.keyboard.press('Escape')
  }

  /** Notes each `pending` and `drained` of the document from now on. */
  async noteEvents(): Promise<void> {
    await this.page.evaluate(() => {
      const { document } = window.tidemark ?? {}
      if (!document) throw new Error('no document is open')
      window.noted = []
      const note = (event: string) => window.noted?.push({ event, pendingCount: document.pendingCount })
      document.on('pending', () => note('pending'))
      document.on('drained', () => note('drained'))
    })
  }

  async notedEvents(): Promise<{ event: string; pendingCount: number }[]> {
    return this.page.evaluate(() => window.noted ?? [])
  }

  async pendingCount(): Promise<number> {
    return this.page.evaluate(() => window.tidemark?.document?.pendingCount ?? -1)
  }

  /** What the page says when a copy has just been set aside. */
  get setAsideNotice(): Locator {
    return this.page.getByTestId('set-aside-notice')
  }

  /** Where the person decides about it. */
  get review(): Locator {
    return this.page.getByTestId('set-aside-dialog')
  }

  /** Opens the copies that were set aside, by the button that is there as long as there are any. */
  async openReview(): Promise<void> {
    await this.page.getByTestId('set-aside').click()
    await this.reviewed()
  }

  /** Waits until the copy has been compared. @returns the lines that only one side has */
  async reviewed(): Promise<{ copy: string[]; document: string[] }> {
    const summary = this.page.getByTestId('set-aside-summary')
    await until('the copy was compared', async () => /only|same/.test((await summary.textContent()) ?? ''))
    const linesOf = (side: string) =>
      this.review.locator(`td.only-${side}`).evaluateAll((cells) =>
        cells.map((cell) => {
          const copy = cell.cloneNode(true) as HTMLElement
          copy.querySelector('.visually-hidden')?.remove()
          return copy.textContent ?? ''
        }),
      )
    return { copy: await linesOf('copy'), document: await linesOf('document') }
  }

  async closeTab(): Promise<void> {
    await this.page.close({ runBeforeUnload: false })
  }
}

declare global {
  interface Window {
    noted?: { event: string; pendingCount: number }[]
  }
}
