import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Person, picture, TestBrowser } from '../helpers/chromium.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until } from '../helpers/until.ts'

let browser: TestBrowser
let ada: Person
let ben: Person

beforeAll(async () => {
  browser = await TestBrowser.launch()
})
afterAll(async () => browser?.[Symbol.asyncDispose]())
afterEach(async () => {
  for (const person of [ada, ben]) {
    expect(person?.complaints ?? []).toEqual([])
    await person?.context.close()
  }
})

async function twoPeople(): Promise<void> {
  ada = await browser.person()
  ben = await browser.person()
}

describe('[C1] [C4] [C5] two people in one document', () => {
  test('both write at once; each sees the text, the name and the caret of the other, and both end with the same', async () => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    await twoPeople()
    const one = await (await ada.open(`${server.http}/d/team-7/plan`)).editable()
    const two = await (await ben.open(`${server.http}/d/team-7/plan`)).editable()
    await one.callMe('Ada')
    await two.callMe('Ben')
    await one.write('First line.')
    await two.shows('First line.')
    await Promise.all([one.write(' Ada writes on, and on, and on.'), two.write(' Ben writes too, at once.')])
    await Promise.all([one.becomes('saved'), two.becomes('saved')])
    await until('both have the same text', async () => (await one.text()) === (await two.text()))
    const letters = [...(await one.text())].sort().join('')
    expect(letters).toBe([...'First line. Ada writes on, and on, and on. Ben writes too, at once.'].sort().join(''))

    await until('Ada sees the caret of Ben, with his name', async () =>
      (await one.page.getByTestId('caret').allInnerTexts()).some((text) => text.includes('Ben')),
    )
    await until('Ben sees the caret of Ada', async () =>
      (await two.page.getByTestId('caret').allInnerTexts()).some((text) => text.includes('Ada')),
    )
    expect(await one.page.getByTestId('people').getAttribute('aria-label')).toBe('2 people here: Ada (you), Ben')
    await picture(one.page, 'two-people')
    await two.closeTab()
    await until(
      'Ben is gone from the list',
      async () => (await one.page.getByTestId('people').getAttribute('aria-label')) === '1 person here: Ada (you)',
    )
  })

  test('[H2] [H3] [R2.1] [R4.1] pending comes with the key, drained once when Postgres has it, and not before', async () => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    await twoPeople()
    const one = await (await ada.open(`${server.http}/d/events`)).editable()
    await one.becomes('saved')
    await one.noteEvents()
    const sameTick = await one.page.evaluate(() => {
      const document = window.tidemark?.document
      if (!document) throw new Error('no document')
      let pending = 0
      document.on('pending', () => {
        pending += 1
      })
      document.doc.getMap('sameTick').set('key', 1)
      return { pending, pendingCount: document.pendingCount, kind: document.status.kind }
    })
    expect(sameTick).toEqual({ pending: 1, pendingCount: 1, kind: 'syncing' })
    await until('it is drained', async () => (await one.notedEvents()).some(({ event }) => event === 'drained'))
    await pause(300)
    const events = await one.notedEvents()
    expect(events.filter(({ event }) => event === 'drained')).toEqual([{ event: 'drained', pendingCount: 0 }])
  })

  test('rich text arrives as it was made: bold, heading, list', async () => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    await twoPeople()
    const one = await (await ada.open(`${server.http}/d/rich`)).editable()
    const two = await (await ben.open(`${server.http}/d/rich`)).editable()
    await one.editor.click()
    await one.page.keyboard.type('# Heading')
    await one.page.keyboard.press('Enter')
    await one.page.keyboard.press('Control+b')
    await one.page.keyboard.type('bold')
    await one.page.keyboard.press('Control+b')
    await one.page.keyboard.press('Enter')
    await one.page.keyboard.type('- item')
    await two.shows('item')
    expect(await two.editor.locator('h1').textContent()).toBe('Heading')
    expect(await two.editor.locator('strong').textContent()).toBe('bold')
    expect(await two.editor.locator('ul li').textContent()).toContain('item')
    await one.becomes('saved')
    await picture(two.page, 'rich-text')
  })

  test('two tabs of one person', async () => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    await twoPeople()
    const one = await (await ada.open(`${server.http}/d/tabs`)).editable()
    const two = await (await ada.open(`${server.http}/d/tabs`)).editable()
    await one.write('from the first tab')
    await two.shows('from the first tab')
    await two.write(', and the second')
    await one.shows(', and the second')
    await Promise.all([one.becomes('saved'), two.becomes('saved')])
    expect(await one.page.getByTestId('people').getAttribute('data-count')).toBe('1')
    await until('the caret of the other tab is one’s own', async () =>
      (await one.page.getByTestId('caret').allInnerTexts()).some((text) => text.includes('You, in another tab')),
    )
    await one.page.getByTestId('people').click()
    expect(await one.page.getByTestId('person').allTextContents()).toEqual([expect.stringMatching(/you, 2 tabs$/)])
    await picture(one.page, 'two-tabs')
    await two.closeTab()
    await until('[D1.6] the other tab is gone', async () =>
      (await one.page.getByTestId('person').allTextContents()).every((words) => words.endsWith('you')),
    )
  })
})

describe('[H5] the indicator', () => {
  test('says Syncing… in yellow, Saved in green, Error in red, with an icon and in words', async () => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    await twoPeople()
    const one = await (await ada.open(`${server.http}/d/indicator`)).editable()
    await one.becomes('saved')
    expect(await one.indicator.getAttribute('data-tone')).toBe('green')
    expect(await one.indicator.textContent()).toContain('Saved')
    expect(await one.indicator.locator('svg').count()).toBe(1)
    await server.kill9()
    await one.write('x')
    await until('it does not say Saved', async () => (await one.state()) !== 'saved')
    expect(await one.indicator.getAttribute('data-tone')).not.toBe('green')
    await server.start()
    await one.becomes('saved', 40_000)
  })
})
