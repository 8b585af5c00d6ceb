import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Person, picture, TestBrowser } from '../helpers/chromium.ts'
import type { DemoPage } from '../helpers/demo-page.ts'
import { freshDatabase, query } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { secret, token } from '../helpers/tokens.ts'
import { pause, until } from '../helpers/until.ts'

let browser: TestBrowser
let databaseUrl: string
let server: ServerProcess
let ada: Person
let ben: Person

beforeAll(async () => {
  browser = await TestBrowser.launch()
  databaseUrl = await freshDatabase()
  server = await ServerProcess.start({ databaseUrl })
})
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  ada = await browser.person()
  ben = await browser.person()
})
afterEach(async () => {
  for (const person of [ada, ben]) {
    // [R5.3] what the person is told is in the console, too
    expect(person.complaints.filter((words) => !/^tidemark: (epoch-mismatch|read-only)/.test(words))).toEqual([])
    await person.context.close()
  }
})

/** Somebody removes the document on the server for good, while it is down: what comes after is another history. */
async function purge(name: string): Promise<void> {
  await query(
    databaseUrl,
    `delete from tidemark_store.updates where document_id = (select id from tidemark_store.documents where name = '${name}')`,
  )
  await query(databaseUrl, `delete from tidemark_store.documents where name = '${name}'`)
}

/** Ada has written, all was saved, and one more sentence that never was; then the server's document is another one. */
async function replacedUnder(one: DemoPage, name: string, { isClosed = false } = {}): Promise<void> {
  await one.editable()
  await one.write('The old first line.')
  await one.page.keyboard.press('Enter')
  await one.page.keyboard.type('Bring bread and milk on Monday.')
  await one.becomes('saved')
  await server.kill9()
  await one.write(' Never saved.')
  await pause(300)
  if (isClosed) await one.closeTab()
  await purge(name)
  // Ben is there first
  await ada.context.setOffline(true)
  await server.start()
  const two = await (await ben.open(`${server.http}/d/${name}`)).editable()
  await two.write('Written anew.')
  await two.page.keyboard.press('Enter')
  await two.page.keyboard.type('Bring bread and butter on Monday.')
  await two.becomes('saved')
  await two.closeTab()
  await ada.context.setOffline(false)
}

const anew = 'Written anew.\nBring bread and butter on Monday.'

describe('[R9.4] [R9.5] the server’s document was replaced while somebody had edits that were never saved', () => {
  test('the page shows the new one, says so, and nothing doubles; both are compared, merged on purpose, and dropped', async () => {
    const one = await ada.open(`${server.http}/d/replaced`)
    await replacedUnder(one, 'replaced')
    await until('the page says what happened', () => one.setAsideNotice.isVisible(), { timeout: 40_000 })
    await one.editable()
    await one.shows('Written anew.')
    await one.becomes('saved')
    expect(await one.text()).toBe(anew)
    expect(await one.setAsideNotice.textContent()).toMatch(/was replaced.*set aside.*kept on this device.*never saved/s)
    expect(await one.page.getByTestId('toast').count(), 'no alarm beside the notice').toBe(0)
    await picture(one.page, 'set-aside-notice')

    await one.page.getByTestId('set-aside-review').click()
    expect(await one.reviewed()).toEqual({
      copy: ['The old first line.', 'Bring bread and milk on Monday. Never saved.'],
      document: ['Written anew.', 'Bring bread and butter on Monday.'],
    })
    await picture(one.page, 'set-aside-review')

    await one.page.getByTestId('set-aside-merge').click()
    const question = one.page.getByTestId('confirm')
    expect(await question.textContent()).toMatch(/one after the other/)
    await picture(one.page, 'set-aside-merge')
    await one.page.keyboard.press('Escape')
    expect(await question.isVisible()).toBe(false)
    expect(await one.review.isVisible(), 'no is no, and back where one was').toBe(true)
    expect(await one.text()).toBe(anew)

    await one.page.getByTestId('set-aside-merge').click()
    await one.page.getByTestId('confirm-action').click()
    await one.shows('Never saved.')
    await one.becomes('saved')
    for (const line of ['The old first line.', 'Written anew.', 'Bring bread and milk on Monday.']) {
      expect((await one.text()).split(line).length - 1, line).toBe(1)
    }
    const two = await ben.open(`${server.http}/d/replaced`)
    await two.shows('The old first line.')
    await until('both have the same text', async () => (await one.text()) === (await two.text()))

    await one.page.getByTestId('toast-remove-copy').click()
    await one.page.getByTestId('confirm-action').click()
    await until('nothing is set aside any more', async () => !(await one.page.getByTestId('set-aside').isVisible()))
    expect(await one.setAsideNotice.isVisible()).toBe(false)
    expect(await one.page.evaluate(() => window.tidemark?.client.setAsideCopies())).toEqual([])
    await one.page.reload()
    await one.becomes('saved')
    expect(await one.page.getByTestId('set-aside').isVisible()).toBe(false)
  })

  test('replaced between two openings, and “Not now” is not the end: the copy is there in the next session, is copied from, and goes when it is deleted', async () => {
    await ada.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await replacedUnder(await ada.open(`${server.http}/d/later`), 'later', { isClosed: true })
    const one = await ada.open(`${server.http}/d/later`)
    await until('the page says what happened', () => one.setAsideNotice.isVisible(), { timeout: 40_000 })
    await one.page.getByTestId('set-aside-dismiss').click()
    expect(await one.setAsideNotice.isVisible()).toBe(false)
    await one.becomes('saved')
    await one.page.reload()
    await one.shows('Written anew.')
    await until('the copy is still there', () => one.page.getByTestId('set-aside').isVisible())
    expect(await one.setAsideNotice.isVisible(), 'it is no news any more').toBe(false)

    await one.openReview()
    await one.page.getByTestId('set-aside-copy').click()
    await until('it says so', async () =>
      (await one.page.getByTestId('set-aside-summary').textContent())?.includes('clipboard'),
    )
    expect(await one.page.evaluate(() => navigator.clipboard.readText())).toBe(
      'The old first line.\nBring bread and milk on Monday. Never saved.',
    )
    await one.page.getByTestId('set-aside-remove').click()
    expect(await one.page.getByTestId('confirm').textContent()).toMatch(/no way back.*never saved/s)
    await one.page.getByTestId('confirm-cancel').click()
    await one.page.getByTestId('set-aside-remove').click()
    await one.page.getByTestId('confirm-action').click()
    await until('the list is gone with its last copy', async () => !(await one.review.isVisible()))
    expect(await one.page.getByTestId('set-aside').isVisible()).toBe(false)
    expect(await one.text()).toBe(anew)
  })

  test('[D1.5] with two tabs open each goes on by itself, the copy is there once, and what one deletes is gone in both', async () => {
    const one = await ada.open(`${server.http}/d/two-tabs`)
    const other = await (await ada.open(`${server.http}/d/two-tabs`)).editable()
    await replacedUnder(one, 'two-tabs')
    for (const tab of [one, other]) {
      await until('each tab says what happened', () => tab.setAsideNotice.isVisible(), { timeout: 40_000 })
      await tab.shows('Written anew.')
      await tab.becomes('saved')
      expect(await tab.text()).toBe(anew)
    }
    await other.editable()
    await other.write(' From the other tab.')
    await one.shows('From the other tab.')
    const copies = await one.page.evaluate(() => window.tidemark?.client.setAsideCopies())
    expect(copies).toMatchObject([{ document: 'two-tabs', reason: 'epoch-mismatch' }])

    await one.page.getByTestId('set-aside-review').click()
    expect((await one.reviewed()).copy).toContain('Bring bread and milk on Monday. Never saved.')
    await one.page.getByTestId('set-aside-remove').click()
    await one.page.getByTestId('confirm-action').click()
    await until('it is gone here', async () => !(await one.page.getByTestId('set-aside').isVisible()))
    await other.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await until('and there', async () => !(await other.page.getByTestId('set-aside').isVisible()))
    expect(await other.setAsideNotice.isVisible()).toBe(false)
  })

  test('[H5] it can be done without a mouse, and everything has a name', async () => {
    const one = await ada.open(`${server.http}/d/spoken`)
    await replacedUnder(one, 'spoken')
    await until('the page says what happened', () => one.setAsideNotice.isVisible(), { timeout: 40_000 })
    expect(await one.page.getByRole('region', { name: /was replaced/ }).count()).toBe(1)
    await one.page.getByTestId('set-aside').focus()
    await one.page.keyboard.press('Enter')
    await one.reviewed()
    const inside = () => one.page.evaluate(() => document.activeElement?.closest('dialog')?.id ?? '')
    const focused = () => one.page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? '')
    expect(await one.page.getByRole('dialog', { name: '1 copy set aside' }).count()).toBe(1)
    expect(await focused()).toBe('set-aside-item')
    const visited = new Set<string>()
    for (let count = 0; count < 8; count += 1) {
      await one.page.keyboard.press('Tab')
      visited.add(await focused())
    }
    for (const control of ['set-aside-copy', 'set-aside-merge', 'set-aside-remove', 'set-aside-close']) {
      expect([...visited]).toContain(control)
    }
    expect(await one.page.getByRole('columnheader').allTextContents()).toEqual([
      'The copy set aside',
      'The document now',
    ])
    await one.page.getByTestId('set-aside-remove').focus()
    await one.page.keyboard.press('Enter')
    expect(await focused(), 'the safe answer comes first').toBe('confirm-cancel')
    await one.page.keyboard.press('Escape')
    expect([await inside(), await focused()]).toEqual(['set-aside-dialog', 'set-aside-remove'])
    await one.page.keyboard.press('Escape')
    expect([await inside(), await focused()]).toEqual(['', 'set-aside'])
  })
})

describe('[R9.4] [R9.5] the server was restored from a backup under somebody who writes', () => {
  test('what was written since is set aside, and a merge brings it back at its place, once', async () => {
    const one = await (await ada.open(`${server.http}/d/restored`)).editable()
    await one.write('From before the backup.')
    await one.becomes('saved')
    await query(databaseUrl, `update tidemark_store.documents set epoch = gen_random_uuid() where name = 'restored'`)
    // in one edit: when the page goes on with the new document, keys no longer write
    await one.editor.click()
    await one.page.keyboard.press('Control+End')
    await one.page.keyboard.insertText(' From after it.')
    await until('the page says what happened', () => one.setAsideNotice.isVisible(), { timeout: 20_000 })
    await one.becomes('saved')
    const stored = await one.text()
    expect(stored.match(/From before the backup\./g)).toHaveLength(1)

    await one.openReview()
    await one.page.getByTestId('set-aside-merge').click()
    expect(await one.page.getByTestId('confirm').textContent()).not.toMatch(/one after the other/)
    await one.page.getByTestId('confirm-action').click()
    await one.becomes('saved')
    expect(await one.text()).toBe('From before the backup. From after it.')
    await one.openReview()
    expect(await one.page.getByTestId('set-aside-summary').textContent()).toBe(
      'The copy and the document are the same.',
    )
  })
})

describe('[R9.5] [R5.4] somebody whose right to write was taken away', () => {
  test('discards the edits that the server refuses, sees what the server has, and still has a copy of them', async () => {
    await using own = await ServerProcess.start({ databaseUrl: await freshDatabase(), secret })
    const writing = await ada.open(`${own.http}/d/narrowed`)
    await writing.signIn(await token({ subject: 'ada' }))
    await writing.editable()
    await writing.write('Saved while I could.')
    await writing.becomes('saved')
    await own.kill9()
    await writing.write(' And this while I could no longer.')
    await pause(300)
    await own.start()
    await writing.page.reload()
    await writing.signIn(await token({ subject: 'ada', documents: { '*': 'read' } }))
    await until('the refusal is shown with its reason', () => writing.toast('read-only').isVisible(), {
      timeout: 20_000,
    })
    await picture(writing.page, 'set-aside-refused')

    await writing.page.getByTestId('toast-discard').click()
    expect(await writing.page.getByTestId('confirm').textContent()).toMatch(/set aside on this device/)
    await writing.page.getByTestId('confirm-cancel').click()
    expect(await writing.toast('read-only').isVisible(), 'it is still so').toBe(true)
    await writing.page.getByTestId('toast-discard').click()
    await picture(writing.page, 'set-aside-discard')
    await writing.page.getByTestId('confirm-action').click()

    await until('it says where they are', () => writing.setAsideNotice.isVisible())
    await writing.becomes('saved')
    expect(await writing.text()).toBe('Saved while I could.')
    expect(await writing.pendingCount()).toBe(0)
    expect(await writing.page.getByTestId('toast').count()).toBe(0)
    await writing.page.getByTestId('set-aside-review').click()
    expect((await writing.reviewed()).copy).toEqual(['Saved while I could. And this while I could no longer.'])
    expect(await writing.page.getByTestId('set-aside-merge').isDisabled(), 'a reader cannot merge').toBe(true)
    await picture(writing.page, 'set-aside-reader')
  })
})

describe('[H5] what was set aside, on every screen', () => {
  const screens = [
    { screen: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
    { screen: 'narrow', colorScheme: 'light', viewport: { width: 360, height: 740 } },
    { screen: 'narrow-dark', colorScheme: 'dark', viewport: { width: 360, height: 740 } },
  ] as const

  test('dark, narrow, and both: nothing is cut off', async () => {
    const one = await ada.open(`${server.http}/d/screens`)
    await replacedUnder(one, 'screens')
    await until('the page says what happened', () => one.setAsideNotice.isVisible(), { timeout: 40_000 })
    await one.becomes('saved')
    const onEach = async (shown: string, check: (screen: (typeof screens)[number]) => Promise<void>) => {
      for (const screen of screens) {
        await one.page.emulateMedia({ colorScheme: screen.colorScheme })
        await one.page.setViewportSize(screen.viewport)
        await picture(one.page, `set-aside-${shown}-${screen.screen}`)
        await check(screen)
        const scrolled = await one.page.evaluate(() => document.documentElement.scrollWidth)
        expect(scrolled, screen.screen).toBeLessThanOrEqual(screen.viewport.width)
      }
    }
    await onEach('notice', async () => {})
    await one.openReview()
    await onEach('review', async ({ screen, viewport: { width, height } }) => {
      for (const control of ['set-aside-copy', 'set-aside-merge', 'set-aside-remove', 'set-aside-close']) {
        const box = await one.page.getByTestId(control).boundingBox()
        expect(box && box.x >= 0 && box.x + box.width <= width, `${screen}: ${control}`).toBe(true)
        expect(box && box.y >= 0 && box.y + box.height <= height, `${screen}: ${control}`).toBe(true)
      }
    })
    await one.page.getByTestId('set-aside-merge').click()
    await onEach('merge', async () => {})
  })
})
