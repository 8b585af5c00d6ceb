import { createClient, type TidemarkClient, type TidemarkDocument } from '@tidemark/client'
import type { CDPSession, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppServer } from '../helpers/background-sync/serve.ts'
import { type Person, TestBrowser } from '../helpers/chromium.ts'
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

/** Somebody who writes while the server is away, and closes the app. */
async function writtenAndClosed(server: ServerProcess, ada: Person, query = ''): Promise<string> {
  const address = `${app.origin}/?server=${encodeURIComponent(server.sync)}${query}`
  await server.kill9()
  const page = await ada.context.newPage()
  await page.goto(address)
  await page.waitForFunction(() => window.app !== undefined)
  await page.evaluate(() => window.app.write('plan', 'written in the tunnel'))
  await page.evaluate(() => window.app.write('list', 'and this'))
  await until('it is pending', () => page.evaluate(() => window.app.status('plan').pendingCount === 1))
  if (query === '') {
    await until('the browser was asked', () =>
      page.evaluate(async () => (await window.app.tags()).includes('tidemark')),
    )
  }
  await pause(200)
  await page.close()
  await server.start()
  return address
}

const textOf = (document: TidemarkDocument) => document.doc.getText('t').toString()

describe('[H11] [D3.7] offline, write, close every tab', () => {
  let server: ServerProcess
  let peer: TidemarkClient
  beforeAll(async () => {
    const env = { TIDEMARK_ALLOWED_ORIGINS: app.origin }
    server = await ServerProcess.start({ databaseUrl: await freshDatabase(), secret, env })
    app.token = await token()
  })
  beforeEach(() => {
    peer = createClient({ url: server.sync, localStore: 'memory', auth: () => token(), log: () => {} })
  })
  afterEach(() => peer.close())
  afterAll(() => server?.[Symbol.asyncDispose]())

  test('when the browser says that there is a network, the worker sends it, with a token of its own', async () => {
    await using ada = await browser.person()
    const { networkIsBack } = await workers(await ada.context.newPage())
    const address = await writtenAndClosed(server, ada, '&unasked')
    const [plan, list] = [peer.open('plan'), peer.open('list')]
    await Promise.all([plan.whenSynced, list.whenSynced])
    await pause(1_000)
    expect([textOf(plan), textOf(list)]).toEqual(['', ''])
    const asked = app.cookies.length
    await networkIsBack('of another worker')
    await networkIsBack()
    await until('the edit arrives', () => textOf(plan) === 'written in the tunnel')
    await until('the other document’s, too', () => textOf(list) === 'and this')
    expect(app.cookies.slice(asked)).toEqual(['app=ada'])

    const again = await ada.context.newPage()
    await again.goto(address)
    await again.waitForFunction(() => window.app !== undefined)
    await until('nothing is pending at the next visit', () =>
      again.evaluate(() => {
        const { kind, pendingCount } = window.app.status('plan')
        return kind === 'saved' && pendingCount === 0
      }),
    )
    expect(ada.complaints).toEqual([])
  })

  test('the page asks for it, and the browser does the rest', async () => {
    await using ada = await browser.person()
    await ada.context.grantPermissions(['background-sync'], { origin: app.origin })
    const list = peer.open('list')
    await list.whenSynced
    const before = textOf(list)
    await writtenAndClosed(server, ada)
    await until('it arrives', () => textOf(list).length > before.length, { timeout: 40_000 })
    expect(textOf(list).match(/and this/g)?.length).toBe((before.match(/and this/g)?.length ?? 0) + 1)
    expect(ada.complaints).toEqual([])
  })
})
