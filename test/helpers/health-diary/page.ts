import type { Locator, Page } from 'playwright-core'
import { until } from '../until.ts'

export interface Heard {
  readonly name: 'pending-change' | 'queue-drained' | 'sync-error'
  readonly pendingCount?: number
  readonly code?: string
  readonly persistent?: boolean
  readonly isError?: boolean
}

/** The diary as the curator uses it, and what `window` hears meanwhile. */
export class DiaryPage {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  static async open(page: Page, address: string): Promise<DiaryPage> {
    await page.addInitScript(() => {
      window.heard = []
      for (const name of ['pending-change', 'queue-drained', 'sync-error'] as const) {
        window.addEventListener(`heys:${name}`, (event) => {
          const { pendingCount, code, persistent, error } = (event as CustomEvent).detail
          window.heard.push({ name, pendingCount, code, persistent, isError: error instanceof Error })
        })
      }
    })
    await page.goto(address)
    const diary = new DiaryPage(page)
    await page.evaluate(() => window.diary.store.whenLoaded)
    return diary
  }

  part(name: string): Locator {
    return this.page.getByTestId(name)
  }

  heard(): Promise<Heard[]> {
    return this.page.evaluate(() => window.heard)
  }

  async hears(what: Partial<Heard>, timeout = 15_000): Promise<void> {
    await until(
      `window hears ${JSON.stringify(what)}`,
      async () =>
        (await this.heard()).some((heard) =>
          Object.entries(what).every(([name, value]) => heard[name as keyof Heard] === value),
        ),
      { timeout },
    )
  }

  async saveProfile(name: string): Promise<void> {
    await this.part('profile').getByRole('textbox').fill(name)
    await this.part('profile').getByRole('button').click()
  }

  async saveWeight(weight: string): Promise<void> {
    await this.part('day').getByRole('textbox').fill(weight)
    await this.part('day').getByRole('button').click()
  }

  entries(): Promise<[string, unknown][]> {
    return this.page.evaluate(() => window.diary.store.entries())
  }

  async indicates(label: string, timeout = 20_000): Promise<void> {
    await until(
      `the indicator says ${label}`,
      async () => {
        const now = await this.part('indicator').textContent()
        if (now !== label) throw new Error(`it says ${now}`)
        return true
      },
      { timeout },
    )
  }

  /** The codes of the toasts that are shown. */
  toasts(): Promise<string[]> {
    return this.page.locator('.toast').evaluateAll((toasts) => toasts.map((toast) => toast.dataset.code ?? ''))
  }

  /** The names of the databases on this device. */
  databases(): Promise<string[]> {
    return this.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name ?? '').sort())
  }
}

declare global {
  interface Window {
    heard: Heard[]
  }
}
