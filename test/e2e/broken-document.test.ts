import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Person, picture, TestBrowser } from '../helpers/chromium.ts'
import type { DemoPage } from '../helpers/demo-page.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { until } from '../helpers/until.ts'

let browser: TestBrowser
let ada: Person
let ben: Person

beforeAll(async () => {
  browser = await TestBrowser.launch()
})
afterAll(async () => browser?.[Symbol.asyncDispose]())

/** A deletion is cut short inside of Yjs, as when the stack overflows there. */
async function breakDocument({ page }: DemoPage): Promise<void> {
  await page.evaluate(() => {
    const doc = window.tidemark?.document?.doc
    if (!doc) throw new Error('no document is open')
    doc.gcFilter = () => {
      throw new RangeError('Maximum call stack size exceeded')
    }
    const text = doc.getXmlFragment('default').createTreeWalker((part) => 'toDelta' in part)
    try {
      for (const part of text) (part as { delete(at: number, length: number): void }).delete(0, 1)
    } catch {
      // cut short
    }
  })
}

describe('[R3.6] an error breaks the document of an open page', () => {
  test('the page opens it again by itself and says so; what was written is there and saved, and writing goes on', async () => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    ada = await browser.person()
    ben = await browser.person()
    const one = await (await ada.open(`${server.http}/d/fragile`)).editable()
    const two = await (await ben.open(`${server.http}/d/fragile`)).editable()
    await one.write('Before it broke.')
    await one.becomes('saved')
    await two.shows('Before it broke.')

    await breakDocument(one)
    await until('the page says so', () => one.toast('document-broken').isVisible())
    expect(await one.toast('document-broken').textContent()).toContain('opened again')
    await picture(one.page, 'document-broken')
    await one.editable()
    await one.shows('efore it broke.')
    await one.write(' After it.')
    await one.becomes('saved')
    await two.shows(' After it.')
    await until('both have the same text', async () => (await one.text()) === (await two.text()))
    await one.page.reload()
    await one.editable()
    await one.shows('efore it broke.')
    await one.shows(' After it.')
    await ada.context.close()
    await ben.context.close()
  })

  test('when it breaks again at once, the page does not go round in circles: it asks to be reloaded', async () => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    ada = await browser.person()
    const page = await (await ada.open(`${server.http}/d/fragile`)).editable()
    for (let time = 0; time < 2; time++) {
      await page.write('words')
      await breakDocument(page)
      await until('the page noticed', () => page.toast('document-broken').isVisible())
      if (time === 0) await page.editable()
    }
    await until('it offers to reload', () => page.page.getByTestId('toast-reload').isVisible())
    expect(await page.state()).toBe('error')
    await picture(page.page, 'document-broken-twice')
    await ada.context.close()
  })
})
