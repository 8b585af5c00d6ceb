import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { breakableWrites, breakOpening, failWrites } from '../helpers/broken-storage.ts'
import { picture, TestBrowser } from '../helpers/chromium.ts'
import { DemoPage } from '../helpers/demo-page.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until } from '../helpers/until.ts'

let browser: TestBrowser
let server: ServerProcess
beforeAll(async () => {
  browser = await TestBrowser.launch()
  server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
})
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

describe('[R2.3] the browser keeps nothing', () => {
  test.each(['throws', 'fails', 'hangs', 'is missing'] as const)(
    'opening IndexedDB %s: the document opens in memory, says so, and is saved on the server',
    async (how) => {
      await using ada = await browser.person()
      const page = await ada.context.newPage()
      await breakOpening(page, how)
      await page.goto(`${server.http}/d/broken-${how.replace(' ', '-')}`)
      const demo = await new DemoPage(page).editable()
      await until('the notice is shown', () => page.getByTestId('local-notice').isVisible())
      await demo.write('in memory only')
      await demo.becomes('saved')
      expect(await page.evaluate(() => window.tidemark?.document?.status.localStore.kind)).toBe('memory')
      await picture(page, `local-storage-${how.replace(' ', '-')}`)
      await using ben = await browser.person()
      const other = await ben.open(page.url())
      await other.shows('in memory only')
    },
  )
})

describe('[H4] [R2.4] [P8] this device runs out of space while somebody writes', () => {
  test('a toast says so, the edit reaches the server all the same, and closing asks only while it is stored nowhere', async () => {
    await using own = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    await using ada = await browser.person()
    const page = await ada.context.newPage()
    await breakableWrites(page)
    await page.goto(`${own.http}/d/full`)
    const demo = await new DemoPage(page).editable()
    await demo.write('kept. ')
    await demo.becomes('saved')

    await failWrites(page, true)
    await demo.write('not kept here. ')
    await until(
      'a toast says so',
      async () => (await page.locator('[data-testid="toast"][data-key^="local-storage"]').count()) > 0,
    )
    await demo.becomes('saved')
    expect(await asksBeforeClosing(page), 'it is on the server').toBe(false)

    const again = new DemoPage(await ada.context.newPage())
    await breakableWrites(again.page)
    await again.page.goto(`${own.http}/d/full`)
    await again.editable()
    await again.becomes('saved')
    await again.shows('not kept here.')
    await own.kill9()
    await again.write('kept on this device, ')
    await pause(500)
    await failWrites(again.page, true)
    await again.write('and this nowhere')
    await pause(300)
    expect(await asksBeforeClosing(again.page), 'it is stored nowhere').toBe(true)
    await own.start()
    await again.becomes('saved', 40_000)
    expect(await asksBeforeClosing(again.page), 'the server has it').toBe(false)
  })

  test('edits that are stored on this device do not ask, with the server away', async () => {
    await using own = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    await using ada = await browser.person()
    const demo = await (await ada.open(`${own.http}/d/kept`)).editable()
    await demo.becomes('saved')
    await own.kill9()
    await demo.write('kept on this device')
    await pause(500)
    expect(await asksBeforeClosing(demo.page)).toBe(false)
  })
})

/** Closes the tab as a person does. @returns whether it asked first; it then stays open */
async function asksBeforeClosing(page: Page): Promise<boolean> {
  let asked = false
  page.once('dialog', (dialog) => {
    asked = dialog.type() === 'beforeunload'
    void dialog.dismiss()
  })
  await page.close({ runBeforeUnload: true })
  await until('it asked or is closed', () => asked || page.isClosed(), { timeout: 5000 })
  return asked
}
