import { expect, test } from 'vitest'
import type { Tab } from '../../helpers/tab.ts'
import { pause, until } from '../../helpers/until.ts'
import { allHold, Desk, editsAt, impatient, leaderOf, numbered } from './desk.ts'

const told = (tab: Tab, code: string) =>
  until(`the tab is told ${code}`, async () =>
    (await tab.read(({ noted }) => noted.map((one) => one.code))).includes(code),
  )

/** Whether the browser asks before it closes the tab; the answer is "stay". */
async function asksBeforeClosing(tab: Tab): Promise<boolean> {
  // browsers ask only for a person who has done something in the page
  await tab.page.mouse.click(10, 10)
  let asked = false
  tab.page.once('dialog', (dialog) => {
    asked = dialog.type() === 'beforeunload'
    void dialog.dismiss()
  })
  await tab.page.close({ runBeforeUnload: true })
  await until('it asked, or closed', () => asked || tab.page.isClosed(), { timeout: 5000 })
  return asked
}

/** In the page: whether it would ask. */
function isGuarded(): boolean {
  const event = new Event('beforeunload', { cancelable: true })
  window.dispatchEvent(event)
  return event.defaultPrevented
}

test('[R2.3] [D1.1] a private window: its tabs share a copy and a socket, and leave nothing behind', async () => {
  await using desk = await Desk.start()
  {
    await using window = await desk.device.openPrivateWindow()
    const options = { url: desk.server.sync, document: desk.document, settings: impatient }
    const url = (await desk.blankTab()).page.url()
    const tabs: Tab[] = []
    for (const name of ['tab-0', 'tab-1']) {
      const tab = await window.openTab(url)
      await tab.open({ ...options, name })
      tabs.push(await tab.synced())
    }
    await leaderOf(tabs)
    for (const tab of tabs) await tab.write(2)
    const all = [...numbered('tab-0', 2), ...numbered('tab-1', 2)]
    await allHold(tabs, all)
    for (const tab of tabs) await tab.becomes('saved')
    expect(await tabs[0]!.status()).toMatchObject({ localStore: 'indexeddb' })
    await desk.server.kill9()
    const late = await window.openTab(url)
    await late.open({ ...options, name: 'late' })
    await allHold([late], all)
  }
  const ordinary = await desk.tab('ordinary')
  expect(await ordinary.edits()).toEqual([])
})

test('[D2.6] the person clears the browser’s data while tabs are open: nothing is lost, and it is all stored again', async () => {
  await using desk = await Desk.start()
  const tabs = await desk.tabs(2)
  for (const tab of tabs) await tab.write(2)
  for (const tab of tabs) await tab.becomes('saved')
  await tabs[0]!.clearStorage()
  await pause(300)
  for (const tab of tabs) await tab.write(2)
  const all = [...numbered('tab-0', 4), ...numbered('tab-1', 4)]
  await allHold(tabs, all)
  for (const tab of tabs) await tab.becomes('saved')
  using peer = await desk.peer()
  expect(editsAt(peer)).toEqual(all)
  expect(await tabs[0]!.status()).toMatchObject({ localStore: 'indexeddb', code: null })

  await pause(1000)
  await desk.server.kill9()
  for (const tab of tabs) await tab.close()
  const again = await desk.tab('again')
  await allHold([again], all)
  expect(await again.status()).toMatchObject({ pendingCount: 0 })
})

test('[D2.2] [H4] [R2.4] [P8] a device with 1 MB: it is said, editing and sync go on, and closing asks while an edit is kept nowhere', async () => {
  await using desk = await Desk.start()
  using peer = await desk.peer()
  const blank = await desk.blankTab()
  await blank.setQuota(1_000_000)
  const tab = await desk.tab('tab-0')
  await tab.synced()
  const fill = () =>
    tab.page.evaluate(() => {
      // what cannot be compressed
      const letters = Array.from({ length: 15_000 }, () => Math.random().toString(36).slice(2, 12)).join('')
      window.tab.doc.getText('large').insert(0, letters)
    })
  // Chromium counts what is committed, so a burst can exceed the quota
  for (let page = 0; page < 9; page++) {
    await fill()
    await pause(100)
  }
  await told(tab, 'local-storage-full')
  await tab.write(2)
  await until('the peer has what no longer fits', () => peer.edits.length === 2)
  await tab.becomes('saved')

  desk.server.signal('SIGSTOP')
  await fill()
  await tab.write()
  expect(await tab.status()).toMatchObject({ pendingCount: 2 })
  await pause(500)
  expect(await asksBeforeClosing(tab)).toBe(true)

  // with space again, what could not be written is
  await blank.setQuota(null)
  await until('it is stored', async () => !(await tab.page.evaluate(isGuarded)), { timeout: 20_000 })
  desk.server.signal('SIGCONT')
  await tab.becomes('saved')
  await desk.server.kill9()
  expect(await asksBeforeClosing(tab)).toBe(false)
  const again = await desk.tab('again')
  await allHold([again], numbered('tab-0', 3))
  const letters = await again.read(({ doc }) => doc.getText('large').length)
  expect(letters).toBe(peer.doc.getText('large').length)
})
