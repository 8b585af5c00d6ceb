import { describe, expect, test } from 'vitest'
import { createWorld, type TabClientOptions } from '../testing/index.ts'

describe('[R3.5] an opening that was closed before it met the other tabs', () => {
  test.each([0, 2, 5, 9, 14, 20, 40])(
    'what it writes late is counted and sent by the tab that has read before (%i ms apart)',
    async (apart) => {
      const world = createWorld({ diskDelay: 10 })
      const device = world.device('laptop')
      const [one, two] = [device.openTab(), device.openTab()]
      const hasty = one.createClient({ catchUp: 'manual' }).open('plan')
      hasty.doc.getText('t').insert(0, 'late')
      void hasty.close()
      await world.advanceTime(apart)
      const document = two.createClient({ catchUp: 'manual' }).open('plan')
      await world.settle()
      await world.advanceTime(1_000)
      expect([document.doc.getText('t').toString(), document.status.kind, document.pendingCount]).toEqual([
        'late',
        'saved',
        0,
      ])
      expect(world.server.committed('plan').getText('t').toString()).toBe('late')
      expect(device.stored('plan')!.pendingCount).toBe(0)
    },
  )
})

describe('[R3.5] [D1.5] an edit that no other tab has heard of is counted and sent by the one that says saved', () => {
  /** What a server would sign: only the claims matter here. */
  const auth = () => `e30.${btoa(JSON.stringify({ sub: 'ada' })).replace(/=+$/, '')}.c2ln`

  async function twoTabs() {
    const world = createWorld({ diskDelay: 1 })
    const device = world.device('laptop')
    const [one, two] = [device.openTab(), device.openTab()]
    const document = two.createClient({ auth, namespace: 'tidemark', catchUp: 'manual' }).open('plan')
    await world.settle()
    expect(document.status.kind).toBe('saved')
    const other = (more: TabClientOptions = {}) =>
      one.createClient({ auth, namespace: 'tidemark', catchUp: 'manual', ...more }).open('plan')
    const isSent = async () => {
      await world.advanceTime(40_000)
      expect([document.doc.getText('t').toString(), document.status.kind]).toEqual(['late', 'saved'])
      expect(world.server.committed('plan').getText('t').toString()).toBe('late')
      expect(device.stored('plan')!.pendingCount).toBe(0)
    }
    return { world, device, other, isSent }
  }

  test('when the page stores it only after its document was closed', async () => {
    const { world, device, other, isSent } = await twoTabs()
    device.failStore('full')
    const hasty = other()
    hasty.doc.getText('t').insert(0, 'late')
    const closing = hasty.close()
    await world.advanceTime(20_000)
    expect(await closing).toEqual({ unkept: 1 })
    device.healStore()
    await isSent()
  })

  test('when nobody knew on whose behalf it was made', async () => {
    const { other, isSent } = await twoTabs()
    const hasty = other({ auth: () => new Promise(() => {}) })
    hasty.doc.getText('t').insert(0, 'late')
    void hasty.close()
    await isSent()
  })

  test('when its document was disconnected', async () => {
    const { world, other, isSent } = await twoTabs()
    const alone = other()
    await world.settle()
    alone.disconnect()
    await world.advanceTime(100)
    alone.doc.getText('t').insert(0, 'late')
    void alone.close()
    await isSent()
  })

  test('when the disk was slower than closing waits', async () => {
    const { world, device, other, isSent } = await twoTabs()
    const alone = other()
    await world.settle()
    alone.disconnect()
    await world.advanceTime(100)
    device.delayStore(7_000)
    alone.doc.getText('t').insert(0, 'late')
    const closing = alone.close()
    await world.advanceTime(6_000)
    expect(await closing).toEqual({ unkept: 1 })
    device.delayStore(1)
    await isSent()
  })
})

test('[R3.1] [D1.4] the last word of a tab that died is marked, although only one that cannot lead has heard it', async () => {
  const world = createWorld({ diskDelay: 1 })
  const device = world.device('laptop')
  const dying = device.openTab()
  const document = dying.createClient().open('plan')
  await world.settle()
  // it hears what is said, and gets no lock
  const deaf = device.openTab({ prerendered: true })
  deaf.createClient().open('plan')
  await world.advanceTime(5_000)
  world.goOffline()
  device.delayStore(50)
  document.doc.getText('t').insert(0, 'last')
  await world.advanceTime(10)
  dying.crash()
  device.delayStore(1)
  const next = device.openTab().createClient().open('plan')
  await world.advanceTime(5_000)
  expect([next.isLeader, next.doc.getText('t').toString()]).toEqual([true, 'last'])
  const stored = device.stored('plan')!
  expect([stored.doc.getText('t').toString(), stored.pendingCount]).toEqual(['last', 1])
  world.goOnline()
  await world.settle()
  expect([next.status.kind, next.pendingCount, device.stored('plan')!.pendingCount]).toEqual(['saved', 0, 0])
  expect(world.server.committed('plan').getText('t').toString()).toBe('last')
})

test('[R9.4] [R3.10] a document whose copy was deleted under it is set aside, too, when the server has another history', async () => {
  const world = createWorld()
  const device = world.device('laptop')
  const client = device.openTab().createClient()
  const document = client.open('plan')
  document.doc.getText('t').insert(0, 'old')
  await world.settle()
  const other = device.openTab().createClient()
  void other.signOut({ wipe: 'always' })
  await world.advanceTime(10_000)
  expect(document.status.localStore.kind).toBe('memory')
  world.server.resetDocument('plan')
  await world.advanceTime(20_000)
  expect(document.isSetAside).toBe(true)
  const again = client.open('plan')
  again.doc.getText('t').insert(0, 'new')
  await world.advanceTime(10_000)
  expect([again.status.kind, world.server.committed('plan').getText('t').toString()]).toEqual(['saved', 'new'])
})

test('[R9.4] [R3.9] a copy of another history that cannot be set aside now is told, and set aside as soon as it can be', async () => {
  const world = createWorld()
  const device = world.device('laptop')
  const client = device.openTab().createClient()
  const document = client.open('plan')
  document.doc.getText('t').insert(0, 'old')
  await world.settle()
  const codes: string[] = []
  document.on('error', ({ code }) => codes.push(code))
  device.failStore('broken')
  world.server.resetDocument('plan')
  await world.advanceTime(20_000)
  expect([document.isSetAside, codes.includes('local-storage-failed')]).toEqual([false, true])
  expect(world.server.committed('plan').getText('t').toString()).toBe('')
  device.healStore()
  await world.advanceTime(30_000)
  expect(document.isSetAside).toBe(true)
  expect(world.server.committed('plan').getText('t').toString()).toBe('')
})

test('[R1.1] [D1.5] nothing is called saved while another tab’s edit of it is being told, whatever the app does meanwhile', async () => {
  const world = createWorld()
  const device = world.device('laptop')
  const [leader, other] = [1, 2].map(() => device.openTab().createClient().open('plan'))
  await world.settle()
  world.server.failStore()
  await world.advanceTime(40_000)
  expect([leader!.isLeader, leader!.status.kind]).toEqual([true, 'error'])
  const textOf = () => leader!.doc.getText('t').toString()
  const lies: string[] = []
  leader!.on('status', ({ kind }) => {
    if (kind === 'saved' && world.server.committed('plan').getText('t').toString() !== textOf()) lies.push(textOf())
  })
  leader!.doc.on('update', () => leader!.retry())
  other!.doc.getText('t').insert(0, 'x')
  await world.advanceTime(1_000)
  expect([textOf(), leader!.pendingCount, lies]).toEqual(['x', 1, []])
})
