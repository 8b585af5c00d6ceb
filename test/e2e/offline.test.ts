import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { picture, TestBrowser } from '../helpers/chromium.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until } from '../helpers/until.ts'

let browser: TestBrowser
beforeAll(async () => {
  browser = await TestBrowser.launch()
})
afterAll(async () => browser?.[Symbol.asyncDispose]())

/** The page keeps itself for the next visit in a service worker; a person's second visit has it. */
async function shellKept(page: import('playwright-core').Page): Promise<void> {
  await until('the page has kept itself', () =>
    page.evaluate(async () => {
      await navigator.serviceWorker.ready
      return (await caches.match('/')) !== undefined && navigator.serviceWorker.controller !== null
    }),
  )
}

describe('[C1] [H6] [R2.3] [R3.2] [R3.1] without a network', () => {
  test('offline, write, reload while offline, come back: it was there all the time, marked pending, and is sent once', async () => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    await using ada = await browser.person()
    await using ben = await browser.person()
    const one = await (await ada.open(`${server.http}/d/train`)).editable()
    await one.write('Before the tunnel. ')
    await one.becomes('saved')
    await shellKept(one.page)

    await ada.context.setOffline(true)
    await one.write('In the tunnel. ')
    await one.becomes('offline', 40_000)
    expect(await one.pendingCount()).toBeGreaterThan(0)
    await picture(one.page, 'offline')

    await one.page.reload()
    await one.editable()
    await one.shows('Before the tunnel. In the tunnel.')
    expect(await one.pendingCount()).toBeGreaterThan(0)
    expect(await one.state()).not.toBe('saved')
    await one.write('After the reload. ')

    const two = await (await ben.open(`${server.http}/d/train`)).editable()
    await two.write('Ben meanwhile. ')
    await two.becomes('saved')
    expect(await two.text()).not.toContain('In the tunnel')

    await ada.context.setOffline(false)
    await one.becomes('saved', 40_000)
    expect(await one.pendingCount()).toBe(0)
    await two.shows('In the tunnel. After the reload.')
    await until('both have the same text', async () => (await one.text()) === (await two.text()))
    expect((await one.text()).match(/In the tunnel/g)).toHaveLength(1)
    expect([...ada.complaints, ...ben.complaints]).toEqual([])
  })

  test('[H6] the tab dies with edits pending: the next start shows them, still pending, and sends them', async () => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    await using ada = await browser.person()
    const one = await (await ada.open(`${server.http}/d/dies`)).editable()
    await one.becomes('saved')
    await shellKept(one.page)
    await server.kill9()
    await one.write('nobody but this device has it')
    await pause(100)
    await one.closeTab()

    const again = await ada.open(`${server.http}/d/dies`)
    await again.editable()
    await again.shows('nobody but this device has it')
    expect(await again.pendingCount()).toBeGreaterThan(0)
    await server.start()
    await again.becomes('saved', 40_000)
    await using ben = await browser.person()
    const two = await ben.open(`${server.http}/d/dies`)
    await two.shows('nobody but this device has it')
  })

  test('[P1] [R2.1] typing never waits for the network', async () => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    await using ada = await browser.person()
    const one = await (await ada.open(`${server.http}/d/fast`)).editable()
    await server.kill9()
    const started = performance.now()
    await one.write('typed without any server at all')
    expect(await one.text()).toContain('typed without any server at all')
    expect(performance.now() - started).toBeLessThan(3000)
  })
})

describe('[B1] [R3] the server is killed with -9 while somebody writes', () => {
  test.each([{ storage: 'Postgres' }, { storage: 'PGlite' }])(
    'on $storage: writing goes on, it comes back, everything is saved once, and another reads it all',
    async ({ storage }) => {
      const database = storage === 'Postgres' ? { databaseUrl: await freshDatabase() } : {}
      await using server = await ServerProcess.start(database)
      await using ada = await browser.person()
      const one = await (await ada.open(`${server.http}/d/killed`)).editable()
      await one.becomes('saved')
      const words = Array.from({ length: 60 }, (_, at) => `word${at} `)
      const writing = one.write(words.join(''))
      await pause(500)
      await server.kill9()
      await pause(400)
      await server.start()
      await writing
      await one.becomes('saved', 40_000)
      expect(await one.pendingCount()).toBe(0)
      await ada.context.close()

      await server.restart()
      await using ben = await browser.person()
      const two = await ben.open(`${server.http}/d/killed`)
      await two.becomes('saved', 20_000)
      expect((await two.text()).trim()).toBe(words.join('').trim())
    },
  )
})
