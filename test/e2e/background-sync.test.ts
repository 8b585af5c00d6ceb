import { createClient } from '@tidemark/client'
import type { CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppServer } from '../helpers/background-sync/serve.ts'
import { TestBrowser } from '../helpers/chromium.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { secret, token } from '../helpers/tokens.ts'
import { pause, until } from '../helpers/until.ts'

let browser: TestBrowser
let app: AppServer
beforeAll(async () => {
  browser = await TestBrowser.launch()
  app = await AppServer.start()
})
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
})

/** Hears of the browser's service workers, and says to one what the browser says when there is a network. */
async function workers(page: Page) {
  const devtools: CDPSession = await page.context().newCDPSession(page)
  let registrationId: string | null = null
  devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
    for (const registration of registrations) {
      if (registration.scopeURL === `${app.origin}/`) registrationId = registration.registrationId
    }
  })
  await devtools.send('ServiceWorker.enable')
  return {
    async networkIsBack(tag = 'tidemark') {
      const id = await until('the worker is registered', () => registrationId)
      const event = { origin: app.origin, registrationId: id, tag, lastChance: false }
      await devtools.send('ServiceWorker.dispatchSyncEvent', event)
    },
  }
}

test('[H11] [D3.7] offline, write, close every tab; when there is a network again the worker sends it', async () => {
  await using server = await ServerProcess.start({
    databaseUrl: await freshDatabase(),
    secret,
    env: { TIDEMARK_ALLOWED_ORIGINS: app.origin },
  })
  app.token = await token()
  await using ada = await browser.person()
  await ada.context.grantPermissions(['background-sync'], { origin: app.origin })
  const other = await ada.context.newPage()
  const { networkIsBack } = await workers(other)

  await server.kill9()
  const page = await ada.context.newPage()
  await page.goto(`${app.origin}/?server=${encodeURIComponent(server.sync)}`)
  await page.waitForFunction(() => window.app !== undefined)
  await page.evaluate(() => window.app.write('plan', 'written in the tunnel'))
  await page.evaluate(() => window.app.write('list', 'and this'))
  await until('it is pending', () => page.evaluate(() => window.app.status('plan').pendingCount === 1))
  // The browser was asked, and may have tried at once: it cannot know that the server is away.
  await until('it was asked', () => page.evaluate(async () => (await window.app.tags()).includes('tidemark')))
  await pause(200)
  await page.close()

  await server.start()
  const asked = app.cookies.length
  await networkIsBack()
  await using peer = createClient({ url: server.sync, localStore: 'memory', auth: () => token() })
  const [plan, list] = [peer.open('plan'), peer.open('list')]
  await until('the edit arrives', () => plan.doc.getText('t').toString() === 'written in the tunnel')
  await until('the other document’s, too', () => list.doc.getText('t').toString() === 'and this')
  expect(app.cookies.slice(asked)).toEqual(expect.arrayContaining(['app=ada']))

  // nothing is pending any more: the next visit finds it saved
  const again = await ada.context.newPage()
  await again.goto(`${app.origin}/?server=${encodeURIComponent(server.sync)}`)
  await again.waitForFunction(() => window.app !== undefined)
  await until('nothing is pending', () => again.evaluate(() => window.app.status('plan').pendingCount === 0))
  expect(ada.complaints).toEqual([])
})
