import { expect, test } from 'vitest'
import { secret, token } from '../../helpers/tokens.ts'
import { pause, until } from '../../helpers/until.ts'
import { allHold, Desk, editsAt, numbered } from './desk.ts'

const ada = () => token({ subject: 'ada', name: 'Ada' })
const ben = () => token({ subject: 'ben', name: 'Ben' })
/** An app that keeps all accounts in one. */
const shared = { namespace: 'tidemark' }

test('[H9] two accounts in turn, each in a namespace of its own: neither sees, sends or leads for the other', async () => {
  await using desk = await Desk.start({ secret })
  const adas = { settings: { namespace: 'ada' }, token: await ada() }
  const bens = { settings: { namespace: 'ben' }, token: await ben() }
  const first = await (await desk.tab('ada-1', adas)).synced()
  await desk.server.kill9()
  await first.write(2)
  await until('it is pending', async () => (await first.status()).pendingCount === 2)
  await pause(500)
  await first.close()

  const second = await desk.tab('ben-1', bens)
  expect(await second.edits()).toEqual([])
  expect(await second.status()).toMatchObject({ pendingCount: 0 })
  await desk.server.start()
  await second.write()
  await second.becomes('saved')
  using peer = await desk.peer({ token: await ben() })
  expect(editsAt(peer)).toEqual(numbered('ben-1', 1))

  const both = await desk.tab('ada-2', adas)
  await both.becomes('saved')
  const sockets = await Promise.all([second, both].map((tab) => tab.read(({ openSockets }) => openSockets)))
  expect(sockets).toEqual([1, 1])
  await until('what Ada had written is sent as hers', () => editsAt(peer).length === 3)
  await allHold([second, both], [...numbered('ada-1', 2), ...numbered('ben-1', 1)])
})

test('[D3.9] two accounts at once, whose app names no namespace: neither sees, sends, leads for or deletes what is the other’s', async () => {
  await using desk = await Desk.start({ secret })
  const first = await (await desk.tab('ada-1', { token: await ada() })).synced()
  await first.write()
  await first.becomes('saved')
  await desk.server.kill9()
  await first.write()
  // without a server he has what he has, which is nothing
  const second = await desk.tab('ben-1', { token: await ben() })
  await second.write()
  await pause(1000)
  expect([await first.edits(), await second.edits()]).toEqual([numbered('ada-1', 2), numbered('ben-1', 1)])
  const leads = [first, second].map((tab) => tab.page.evaluate(() => window.opened.document.isLeader))
  expect(await Promise.all(leads)).toEqual([true, true])
  await first.close()
  await second.close()

  // no token is to be had: it was he who was here last
  const offline = await desk.tab('offline', { token: null })
  expect(await offline.edits()).toEqual(numbered('ben-1', 1))
  await offline.close()

  await desk.server.start()
  const third = await (await desk.tab('ben-2', { token: await ben() })).synced()
  await third.becomes('saved')
  using peer = await desk.peer({ token: await ben() })
  expect(editsAt(peer)).toEqual([...numbered('ada-1', 1), ...numbered('ben-1', 1)])
  const { drained, wiped } = await third.page.evaluate(() => window.opened.client.signOut())
  expect([drained, wiped]).toEqual([true, true])

  // nobody is known now, and what is hers is still there, pending
  await desk.server.kill9()
  const nobody = await desk.tab('nobody', { token: null })
  expect(await nobody.edits()).toEqual([])
  await nobody.close()
  await desk.server.start()
  const fourth = await desk.tab('ada-2', { token: await ada() })
  await fourth.becomes('saved')
  await until('it is sent as hers', () => editsAt(peer).length === 3)
  await allHold([fourth], [...numbered('ada-1', 2), ...numbered('ben-1', 1)])
})

test('[D3.9] what somebody wrote before each account had a namespace is found, and sent, after the upgrade; not by others', async () => {
  await using desk = await Desk.start({ secret })
  const before = await (await desk.tab('before', { settings: shared, token: await ada() })).synced()
  await before.write()
  await before.becomes('saved')
  await desk.server.kill9()
  await before.write()
  await pause(500)
  await before.close()
  const bens = await desk.tab('ben-1', { token: await ben() })
  expect([await bens.edits(), (await bens.status()).pendingCount]).toEqual([[], 0])
  const adas = await desk.tab('ada-1', { token: await ada() })
  expect([await adas.edits(), (await adas.status()).pendingCount]).toEqual([numbered('before', 2), 1])
  await desk.server.start()
  await adas.becomes('saved')
  await bens.becomes('saved')
  await allHold([adas, bens], numbered('before', 2))
})

test('[D3.6] two accounts at once in one namespace: each sends its own, and neither says saved of what it did not send', async () => {
  await using desk = await Desk.start({ secret })
  const first = await (await desk.tab('ada-1', { settings: shared, token: await ada() })).synced()
  // Ben may read, and no more
  const reader = await token({ subject: 'ben', documents: { '*': 'read' } })
  const second = await (await desk.tab('ben-1', { settings: shared, token: reader })).synced()
  using peer = await desk.peer({ token: await ada() })
  await second.write()
  await first.write()
  await until('what Ada wrote is there', () => editsAt(peer).length > 0)
  await second.becomes('error')
  await pause(1000)
  expect(await second.status()).toMatchObject({ code: 'read-only', pendingCount: 1 })
  expect(await first.status()).toMatchObject({ kind: 'saved', pendingCount: 0 })
  expect(editsAt(peer)).toEqual(numbered('ada-1', 1))
})

test('[D3.6] two accounts in turn in one namespace: the edits of one are never sent as the other’s', async () => {
  await using desk = await Desk.start({ secret })
  const first = await (await desk.tab('ada-1', { settings: shared, token: await ada() })).synced()
  await desk.server.kill9()
  await first.write(2)
  await pause(500)
  await first.close()
  await desk.server.start()

  const second = await desk.tab('ben-1', { settings: shared, token: await ben() })
  await second.becomes('error')
  expect(await second.status()).toMatchObject({ code: 'account-mismatch', pendingCount: 2 })
  await pause(1000)
  using peer = await desk.peer({ token: await ben() })
  expect(editsAt(peer)).toEqual([])
  await second.close()

  const third = await desk.tab('ada-2', { settings: shared, token: await ada() })
  await third.becomes('saved')
  await until('they are sent once their owner is back', () => editsAt(peer).length === 2)
  expect(editsAt(peer)).toEqual(numbered('ada-1', 2))
})
