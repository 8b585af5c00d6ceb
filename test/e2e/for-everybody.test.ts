import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { picture, TestBrowser } from '../helpers/chromium.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { until } from '../helpers/until.ts'

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

describe('[H5] the page on every screen', () => {
  test.each([
    { screen: 'light', settings: { colorScheme: 'light', viewport: { width: 1280, height: 800 } } },
    { screen: 'dark', settings: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } } },
    { screen: 'narrow', settings: { colorScheme: 'light', viewport: { width: 360, height: 740 } } },
    { screen: 'narrow-dark', settings: { colorScheme: 'dark', viewport: { width: 360, height: 740 } } },
  ] as const)('$screen: nothing is cut off, and the indicator is in sight', async ({ screen, settings }) => {
    await using ada = await browser.person(settings)
    const demo = await (
      await ada.open(`${server.http}/d/a-document-with-quite-a-long-name/and-a-second-part`)
    ).editable()
    await demo.write('A line of text. ')
    await demo.becomes('saved')
    await picture(demo.page, screen)
    const { scroll, width } = await demo.page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      width: window.innerWidth,
    }))
    expect(scroll).toBeLessThanOrEqual(width)
    const box = await demo.indicator.boundingBox()
    expect(box && box.x >= 0 && box.x + box.width <= settings.viewport.width).toBe(true)
    const background = await demo.page.evaluate(
      () =>
        getComputedStyle(document.documentElement).backgroundColor || getComputedStyle(document.body).backgroundColor,
    )
    expect(background).toBeTruthy()
    expect(ada.complaints).toEqual([])
  })
})

describe('[H5] the page without eyes or a mouse', () => {
  test('parts have roles and names, and the status is announced', async () => {
    await using ada = await browser.person()
    const demo = await (await ada.open(`${server.http}/d/spoken`)).editable()
    await demo.write('x')
    await demo.becomes('saved')
    const { page } = demo
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('spoken')
    expect(await page.getByRole('textbox', { name: 'Text of the document spoken' }).count()).toBe(1)
    expect(await page.getByRole('toolbar').count()).toBe(1)
    expect(await page.getByRole('button', { name: /Saved/ }).count()).toBe(1)
    expect(await page.getByRole('main').count()).toBe(1)
    await until('the announcer said Saved', async () =>
      (await page.getByTestId('announcer').textContent())?.includes('Saved'),
    )
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll('button, input, a[href], [role="textbox"]')]
        .filter((element) => {
          const label = element.getAttribute('aria-label') ?? element.textContent?.trim()
          const labelled = element.hasAttribute('aria-labelledby') || (element as HTMLInputElement).labels?.length
          return !label && !labelled && !element.getAttribute('title')
        })
        .map((element) => element.outerHTML.slice(0, 120)),
    )
    expect(nameless).toEqual([])
    const ids = await page.evaluate(() => [...document.querySelectorAll('[id]')].map(({ id }) => id))
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('the keyboard reaches the document first by the skip link, and every control in the order of the page', async () => {
    await using ada = await browser.person()
    const demo = await (await ada.open(`${server.http}/d/keyboard`)).editable()
    const { page } = demo
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.className)).toContain('skip-link')
    const visited: string[] = []
    for (let count = 0; count < 12; count += 1) {
      await page.keyboard.press('Tab')
      visited.push(
        await page.evaluate(() => {
          const active = document.activeElement
          return active?.getAttribute('data-testid') ?? active?.getAttribute('role') ?? active?.className ?? ''
        }),
      )
    }
    const order = ['people', 'indicator', 'editor'].map((name) => visited.indexOf(name))
    expect(order.every((at) => at >= 0)).toBe(true)
    expect(order).toEqual([...order].sort((a, b) => a - b))
    await demo.editor.click()
    await page.keyboard.press('Alt+F10')
    expect(await page.evaluate(() => document.activeElement?.closest('[role="toolbar"]') !== null)).toBe(true)
  })
})

describe('[S5] what others write is text, never markup', () => {
  test('the policy forbids inline code, and a name or a text with HTML in it is shown as it is', async () => {
    const response = await fetch(`${server.http}/d/markup`)
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/script-src 'self'(;|$)/)
    expect(policy).not.toMatch(/unsafe-inline|unsafe-eval/)
    expect(policy).toMatch(/frame-ancestors 'none'/)
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')

    await using ada = await browser.person()
    await using eve = await browser.person()
    const one = await (await ada.open(`${server.http}/d/markup`)).editable()
    const two = await (await eve.open(`${server.http}/d/markup`)).editable()
    const markup = '<img src=x onerror=alert(1)>'
    let dialogs = 0
    one.page.on('dialog', () => {
      dialogs += 1
    })
    await two.callMe(markup)
    await two.write(`${markup} <script>alert(2)</script>`)
    await one.shows('<script>alert(2)</script>')
    await until('the name is shown as it is', async () =>
      (await one.page.getByTestId('people').getAttribute('aria-label'))?.includes(markup.slice(0, 20)),
    )
    await one.page.getByTestId('people').click()
    expect(await one.page.locator('img[src="x"], #people-list img, .caret img').count()).toBe(0)
    expect(dialogs).toBe(0)
    expect([...ada.complaints, ...eve.complaints]).toEqual([])
  })

  test('a page of another origin cannot read, write or frame', async () => {
    const page = await fetch(`${server.http}/api/status`, { headers: { origin: 'https://evil.example' } })
    expect(page.headers.get('access-control-allow-origin')).toBeNull()
  })
})
