import { expect, test } from 'vitest'
import { Device } from '../../helpers/device.ts'
import { freePort } from '../../helpers/free-port.ts'
import { TcpProxy } from '../../helpers/tcp-proxy.ts'
import { pause, until } from '../../helpers/until.ts'
import { allHold, Desk, editsAt, leaderOf, numbered } from './desk.ts'

/** A laptop that sleeps behind a Wi-Fi which forgets its connections: the sockets are dead, and nobody has closed them. */
async function asleep(desk: Desk, proxy: TcpProxy, meanwhile: () => void): Promise<void> {
  desk.device.sleep()
  proxy.become('blackhole')
  meanwhile()
  await pause(3000)
  proxy.become('clear')
  desk.device.wake()
}

test('[V3] [H11] a laptop sleeps, its socket dies unseen: awake again, the tabs come back without a reload', async () => {
  const port = await freePort()
  await using desk = await Desk.start({ env: { TIDEMARK_ALLOWED_HOSTS: `127.0.0.1:${port}` } })
  await using proxy = await TcpProxy.to(desk.server.port, port)
  using peer = await desk.peer()
  const settings = { heartbeat: { interval: 1000, misses: 2 } }
  const tabs = await desk.tabs(3, { url: proxy.sync, settings })
  await tabs[0]!.write()
  for (const tab of tabs) await tab.becomes('saved')
  const before = await tabs[0]!.read(() => performance.now())
  await asleep(desk, proxy, () => peer.write())
  // it stood still, and nothing was loaded anew
  expect(await tabs[0]!.read(() => performance.now())).toBeGreaterThan(before + 2900)
  await tabs[2]!.write(2)
  await until('the peer has what was written after the sleep', () => peer.edits.length === 4, { timeout: 15_000 })
  for (const tab of tabs) await tab.becomes('saved')
  await allHold(tabs, editsAt(peer))
  const leader = await leaderOf(tabs)
  expect(await leader.read(({ openSockets }) => openSockets)).toBe(1)
})

test('[V3] [H11] the person looks at the page again: the line is asked at once, not after half a minute', async () => {
  const port = await freePort()
  await using desk = await Desk.start({ env: { TIDEMARK_ALLOWED_HOSTS: `127.0.0.1:${port}` } })
  await using proxy = await TcpProxy.to(desk.server.port, port)
  using peer = await desk.peer()
  const tab = await desk.tab('tab-0', { url: proxy.sync })
  await tab.synced()
  await tab.minimise()
  await asleep(desk, proxy, () => peer.write())
  await tab.restore()
  await tab.write()
  await until('the peer has it', () => peer.edits.length === 2, { timeout: 15_000 })
  await tab.becomes('saved')
})

test('[H6] [R3.2] the battery falls out with edits pending in three tabs: they are there again, pending, and are sent', async () => {
  await using desk = await Desk.start()
  const tabs = await desk.tabs(3)
  desk.server.signal('SIGSTOP')
  for (const tab of tabs) await tab.write(2)
  for (const tab of tabs) await until('each tab has all', async () => (await tab.edits()).length === 6)
  // IndexedDB has a moment: what R2.2 promises is that the edit was handed over
  await pause(1000)
  await desk.restartBrowser()
  await desk.server.kill9()
  const again = await desk.tab('again')
  const all = ['tab-0', 'tab-1', 'tab-2'].flatMap((name) => numbered(name, 2))
  await allHold([again], all)
  expect(await again.status()).toMatchObject({ pendingCount: 6 })
  await desk.server.start()
  await again.becomes('saved', 20_000)
  using peer = await desk.peer()
  expect(editsAt(peer)).toEqual(all)
})

test('[C4] two devices of one person, each with tabs, end with the same', async () => {
  await using desk = await Desk.start()
  await using phone = await Device.start()
  const tabs = await desk.tabs(2)
  const elsewhere = await phone.openTab(tabs[0]!.page.url())
  await elsewhere.open({ url: desk.server.sync, document: desk.document, name: 'phone' })
  for (const tab of [...tabs, elsewhere]) await tab.write(5)
  await allHold(
    [...tabs, elsewhere],
    ['phone', 'tab-0', 'tab-1'].flatMap((name) => numbered(name, 5)),
  )
})
