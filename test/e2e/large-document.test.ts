import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestBrowser } from '../helpers/chromium.ts'
import type { DemoPage } from '../helpers/demo-page.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { until } from '../helpers/until.ts'

const paragraphs = 5_000
/** An editor with thousands of paragraphs takes seconds for each step, more on a busy machine; in ms. */
const patience = { timeout: 120_000 }

let browser: TestBrowser

beforeAll(async () => {
  browser = await TestBrowser.launch()
})
afterAll(async () => browser?.[Symbol.asyncDispose]())

/** As from another program: what the clipboard held goes to the editor in a paste event. */
async function paste({ page }: DemoPage, count: number): Promise<void> {
  await page.evaluate((count) => {
    const html = Array.from({ length: count }, (_, at) => `<p>Paragraph ${at} of many</p>`).join('')
    const clipboardData = new DataTransfer()
    clipboardData.setData('text/html', html)
    const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true })
    document.querySelector('[data-testid="editor"]')?.dispatchEvent(event)
  }, count)
}

/** Looks at the first paragraph alone, now and then: to read all of them keeps the page from everything else. */
async function begins({ page }: DemoPage, text: string): Promise<void> {
  const first = page.locator('[data-testid="editor"] > p').first()
  await until(`the text begins with “${text}”`, async () => ((await first.textContent()) ?? '').startsWith(text), {
    ...patience,
    interval: 500,
  })
}

/**
 * Goes to the start and waits until the editor knows of it, as whoever looks for the caret does. What is typed before
 * that still goes to the old selection: the browser tells the editor of a new one in a task of its own, and a page
 * that is busy with thousands of paragraphs gets the keys first.
 */
async function goToStart({ page }: DemoPage): Promise<void> {
  const moved = await page.evaluateHandle(() => ({
    seen: new Promise<void>((resolve) =>
      document.addEventListener('selectionchange', () => {
        const selection = document.getSelection()
        const first = document.querySelector('[data-testid="editor"] > p')
        if (selection?.isCollapsed && first?.contains(selection.anchorNode)) resolve()
      }),
    ),
  }))
  await page.keyboard.press('Control+Home')
  await moved.evaluate(({ seen }) => seen)
}

const boldParagraphs = ({ editor }: DemoPage) => editor.locator('p > strong:only-child').count()

describe('[C7] [R1] [R2] a document of thousands of paragraphs', () => {
  test('pasted, all of it made bold, written on: the document lives, and another person sees and changes the same', async () => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    const [ada, ben] = [await browser.person(), await browser.person()]
    const one = await (await ada.open(`${server.http}/d/long`)).editable()
    one.page.setDefaultTimeout(patience.timeout)
    await one.editor.click()
    await paste(one, paragraphs)
    await one.becomes('saved', patience.timeout)
    await one.page.keyboard.press('Control+a')
    await one.page.keyboard.press('Control+b')
    await until('all of it is bold', async () => (await boldParagraphs(one)) === paragraphs, {
      ...patience,
      interval: 500,
    })
    await goToStart(one)
    await one.page.keyboard.type('Written afterwards. ')
    await one.becomes('saved', patience.timeout)

    const two = await (await ben.open(`${server.http}/d/long`)).editable()
    two.page.setDefaultTimeout(patience.timeout)
    await begins(two, 'Written afterwards. ')
    expect(await boldParagraphs(two)).toBe(paragraphs)
    await two.editor.click()
    await goToStart(two)
    await two.page.keyboard.type('Ben, too. ')
    await begins(one, 'Ben, too. ')
    expect([...ada.complaints, ...ben.complaints]).toEqual([])
    await ada.context.close()
    await ben.context.close()
  }, 240_000)
})
