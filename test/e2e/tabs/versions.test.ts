import { expect, test } from 'vitest'
import { pause, until } from '../../helpers/until.ts'
import { allHold, Desk, leaderOf, numbered } from './desk.ts'

/** The app as it is deployed next: its tabs say other things to each other. */
const anotherTabProtocol = {
  name: 'another-tab-protocol',
  transform: (code: string, id: string) =>
    id.endsWith('/tabs/messages.ts') ? code.replace(/tabProtocol = \d+/, 'tabProtocol = 1000') : null,
}

test('[D1.7] an old tab is still open after a deploy: each version has its leader, both have every edit, and one copy', async () => {
  await using desk = await Desk.start()
  const next = await desk.pages.add('tidemark', { name: 'tidemark-next', plugins: [anotherTabProtocol] })
  const old = await desk.tabs(2)
  const fresh = [await desk.tab('next-0', { page: next }), await desk.tab('next-1', { page: next })]
  await leaderOf(old)
  await leaderOf(fresh)
  const tabs = [...old, ...fresh]
  for (const tab of tabs) await tab.synced()
  const sockets = await Promise.all(tabs.map((tab) => tab.read(({ openSockets }) => openSockets)))
  expect(sockets.reduce((sum, count) => sum + count)).toBe(2)
  const names = ['tab-0', 'tab-1', 'next-0', 'next-1']
  for (let round = 0; round < 5; round++) for (const tab of tabs) await tab.write()
  const all = names.flatMap((name) => numbered(name, 5))
  await allHold(tabs, all)
  for (const tab of tabs) await tab.becomes('saved')

  // the server is gone; edits of each version stay among its tabs, and all of them are kept in the one copy
  await desk.server.kill9()
  await old[0]!.write()
  await fresh[0]!.write()
  await allHold(old, [...all, 'tab-0#5'])
  await allHold(fresh, [...all, 'next-0#5'])
  await pause(500)
  // those who wrote last close last: another tab that has not heard whether their edits are stored would store them too
  for (const tab of tabs.toReversed()) await tab.close()
  const again = await desk.tab('again', { page: next })
  await allHold([again], [...all, 'tab-0#5', 'next-0#5'])
  expect(await again.status()).toMatchObject({ pendingCount: 2 })
  await desk.server.start()
  await again.becomes('saved', 20_000)
  using peer = await desk.peer()
  await until('the server has everything once', () => peer.edits.length === all.length + 2)
})
