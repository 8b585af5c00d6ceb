import { expect, test } from 'vitest'
import { pause, until } from '../../helpers/until.ts'
import { Desk, editsAt, impatient, numbered } from './desk.ts'

test('[D1.9] [R2.3] a page that the browser renders before it is looked at: it has the local copy, and keeps and sends what is written', async () => {
  await using desk = await Desk.start()
  const before = await (await desk.tab('before')).synced()
  await before.write(2)
  await before.becomes('saved')
  await before.close()

  const tab = await desk.blankTab()
  const here = tab.page.url()
  const options = {
    url: desk.server.sync,
    document: desk.document,
    name: 'early',
    settings: { ...impatient, openTimeLimit: 1_500 },
  }
  const there = `${here}?open=${encodeURIComponent(JSON.stringify(options))}`
  await tab.page.evaluate((url) => {
    const rules = document.createElement('script')
    rules.type = 'speculationrules'
    rules.text = JSON.stringify({ prerender: [{ source: 'list', urls: [url], eagerness: 'immediate' }] })
    document.head.append(rules)
  }, there)
  // longer than opening the local copy may take
  await pause(5_000)
  const activated = tab.page.waitForURL(there)
  await tab.page.evaluate((url) => {
    location.href = url
  }, there)
  await activated
  await tab.page.waitForFunction(() => window.tab !== undefined)
  const wasEarly = await tab.page.evaluate(
    () => (performance.getEntriesByType('navigation')[0] as unknown as { activationStart: number }).activationStart,
  )
  expect(wasEarly).toBeGreaterThan(3_000)
  await until('the copy is there', async () => (await tab.edits()).length === 2)
  await tab.write()
  await tab.becomes('saved')
  expect(await tab.status()).toMatchObject({ localStore: 'indexeddb', pendingCount: 0, code: null })
  using peer = await desk.peer()
  expect(editsAt(peer)).toEqual([...numbered('before', 2), ...numbered('early', 1)])

  await desk.server.kill9()
  await tab.write()
  await pause(500)
  await tab.page.close()
  const again = await desk.tab('again')
  expect((await again.edits()).length).toBe(4)
  expect(await again.status()).toMatchObject({ pendingCount: 1 })
})
