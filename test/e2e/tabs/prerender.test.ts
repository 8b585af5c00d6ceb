import { expect, test } from 'vitest'
import { freshDatabase } from '../../helpers/postgres.ts'
import { ServerProcess } from '../../helpers/server.ts'
import { pause, until } from '../../helpers/until.ts'
import { UnwatchedBrowser } from '../../helpers/unwatched-browser.ts'
import { Writer } from '../../helpers/writer.ts'

test('[D1.9] [R2.3] a page that the browser renders before it is looked at: it has the local copy, and what is written there is kept and sent', async () => {
  await using browser = await UnwatchedBrowser.prepare()
  await using server = await ServerProcess.start({
    databaseUrl: await freshDatabase(),
    env: { TIDEMARK_ALLOWED_ORIGINS: browser.origin },
  })
  const openTimeLimit = 2_000
  const options = { url: server.sync, document: 'plan', settings: { openTimeLimit }, next: 'early' }
  browser.start('first', options)
  const early = await until(
    'the browser prerenders the next page, with the local copy in it',
    () => {
      const told = browser.told.get('early')
      return told && told.pendingCount > 0 ? told : null
    },
    { timeout: 30_000 },
  )
  const waiting = { isPrerendering: true, text: 'first early ', localStore: 'indexeddb', pendingCount: 1 }
  expect(early).toMatchObject(waiting)
  // longer than the document may take to open
  await pause(openTimeLimit + 1_000)
  expect(browser.told.get('early')).toMatchObject(waiting)
  expect(browser.told.get('early')!.kind).not.toBe('error')
  browser.goesOn = true
  const saved = await until(
    'somebody looks at it, and it is saved',
    () => {
      const told = browser.told.get('early')
      return told && !told.isPrerendering && told.kind === 'saved' ? told : null
    },
    { timeout: 20_000 },
  )
  expect(saved).toMatchObject({ text: 'first early ', localStore: 'indexeddb', pendingCount: 0 })
  using peer = new Writer({ url: server.sync, document: 'plan', name: 'peer' })
  await peer.synced()
  expect(peer.doc.getText('t').toString()).toBe('first early ')
})
