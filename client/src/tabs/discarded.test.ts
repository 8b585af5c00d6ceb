import { describe, expect, test } from 'vitest'
import type { TidemarkDocument } from '../index.ts'
import { createWorld } from '../testing/index.ts'

function write(document: TidemarkDocument, text: string): void {
  const body = document.doc.getText('t')
  body.insert(body.length, text)
}

/** Somebody with two tabs who has written in a tunnel. */
async function twoTabs() {
  const world = createWorld({ seed: 3 })
  const device = world.device('laptop')
  const [one, two] = [device.openTab(), device.openTab()]
  const clients = [one.createClient(), two.createClient()] as const
  const [a, b] = [clients[0].open('plan'), clients[1].open('plan')]
  await world.settle()
  world.goOffline()
  write(b, 'discarded')
  await world.advanceTime(100)
  const told: string[] = []
  b.on('set-aside', ({ error }) => told.push(error.code))
  const committed = () => world.server.committed('plan').getText('t').toString()
  const keptAside = () => device.setAside('plan').map(({ doc }) => doc.getText('t').toString())
  return { world, device, one, two, clients, a, b, told, committed, keptAside }
}

describe('[R9.7] what one tab has set aside is never sent by another that did not hear of it', () => {
  test('one that was disconnected is told when it connects, and what it wrote meanwhile is in the old copy', async () => {
    const { world, clients, a, b, told, committed, keptAside } = await twoTabs()
    b.disconnect()
    await world.advanceTime(100)
    const done = a.setAside()
    await world.advanceTime(100)
    await done
    write(b, ' and later')
    await world.advanceTime(100)
    expect([told, b.isSetAside]).toEqual([[], false])
    const anew = clients[0].open('plan')
    b.connect()
    world.goOnline()
    await world.settle()
    expect(committed()).toBe('')
    expect(told).toEqual(['document-closed'])
    expect(b.isSetAside).toBe(true)
    expect(b.status.kind).toBe('error')
    expect(keptAside()).toEqual(['discarded and later'])
    write(anew, 'new')
    const fresh = clients[1].open('plan')
    await world.settle()
    expect([committed(), fresh.doc.getText('t').toString()]).toEqual(['new', 'new'])
  })

  test('nor by one that is alone when it connects: the others are closed', async () => {
    const { world, one, a, b, told, committed } = await twoTabs()
    b.disconnect()
    await world.advanceTime(100)
    void a.setAside()
    await world.advanceTime(100)
    one.close()
    world.goOnline()
    b.connect()
    await world.settle()
    expect([committed(), told]).toEqual(['', ['document-closed']])
  })

  test('nor by one that was loading', async () => {
    const { world, device, a, committed, keptAside } = await twoTabs()
    world.goOnline()
    device.goOffline()
    device.delayStore(50)
    const tab = device.openTab()
    const late = tab.createClient().open('plan')
    write(late, ' early')
    const told: string[] = []
    late.on('set-aside', ({ error }) => told.push(error.code))
    // The copy is read, and its tab has not met the others yet: a large one takes its time.
    await world.advanceTime(30)
    tab.freeze()
    await world.advanceTime(30)
    void a.setAside()
    await world.advanceTime(500)
    tab.resume()
    device.goOnline()
    await world.settle()
    expect([committed(), told]).toEqual(['', ['document-closed']])
    expect(keptAside().join()).toContain('early')
  })

  test('nor by one that was frozen', async () => {
    const { world, one, two, a, told, committed } = await twoTabs()
    two.freeze()
    await world.advanceTime(100)
    void a.setAside()
    await world.advanceTime(100)
    one.crash()
    two.resume()
    world.goOnline()
    await world.settle()
    expect([committed(), told]).toEqual(['', ['document-closed']])
  })

  test('nor where tabs cannot hear each other at all', async () => {
    const world = createWorld({ seed: 3 })
    const device = world.device('laptop')
    const deaf = () => {
      const tab = device.openTab()
      Object.assign(tab.world, { openChannel: () => null })
      return tab.createClient().open('plan')
    }
    const [a, b] = [deaf(), deaf()]
    await world.settle()
    world.goOffline()
    write(b, 'discarded')
    await world.advanceTime(100)
    void a.setAside()
    await world.advanceTime(100)
    world.goOnline()
    await world.settle()
    expect(world.server.committed('plan').getText('t').toString()).toBe('')
    expect(b.isSetAside).toBe(true)
  })

  test('nor when reading the disk fails at that moment', async () => {
    const { world, device, a, b, told, committed } = await twoTabs()
    b.disconnect()
    await world.advanceTime(100)
    void a.setAside()
    await world.advanceTime(100)
    world.goOnline()
    device.failStore('broken')
    b.connect()
    await world.advanceTime(20)
    device.healStore()
    await world.settle()
    expect([committed(), told]).toEqual(['', ['document-closed']])
  })

  test('nor does it come back as the document’s copy when the browser’s data is cleared', async () => {
    const { world, device, clients, a, told } = await twoTabs()
    void a.setAside()
    await world.advanceTime(100)
    expect(told).toEqual(['document-closed'])
    device.clearStorage()
    await world.advanceTime(100)
    world.goOnline()
    const anew = clients[0].open('plan')
    await world.settle()
    expect(anew.doc.getText('t').toString()).toBe('')
    expect(world.server.committed('plan').getText('t').toString()).toBe('')
  })
})

describe('[R9.7] [D1.1] whoever sets a copy aside tells all that have it open, at once', () => {
  const authOf = (sub: string) => () => `e30.${btoa(JSON.stringify({ sub })).replace(/=+$/, '')}.c2ln`

  async function threeTabs({ as }: { readonly as: string }) {
    const world = createWorld({ seed: 3 })
    const device = world.device('laptop')
    const open = (sub: string) =>
      device
        .openTab()
        .createClient({ auth: authOf(sub), namespace: 'tidemark' })
        .open('plan')
    const [leader, follower, other] = [open('anna'), open('anna'), open(as)]
    await world.settle()
    return { world, device, leader, follower, other }
  }

  test.each([
    ['while it is disconnected', 'anna', true],
    ['of another account', 'bert', false],
    ['of another account, while it is disconnected', 'bert', true],
  ])('%s', async (_, as, isOff) => {
    const { world, device, leader, follower, other } = await threeTabs({ as })
    if (isOff) other.disconnect()
    await world.advanceTime(100)
    void other.setAside()
    await world.advanceTime(100)
    expect([leader, follower, other].map(({ isSetAside }) => isSetAside)).toEqual([true, true, true])
    expect(device.setAside('plan')).toHaveLength(1)
  })

  test('also one that waits for its role, and did not hear of it', async () => {
    const { world, device, other } = await threeTabs({ as: 'anna' })
    // its account is known only after it has loaded: until then it is not among the others
    const tab = device.openTab({ prerendered: true })
    const late = tab.createClient({ auth: () => new Promise(() => {}), namespace: 'tidemark' }).open('plan')
    await world.advanceTime(600)
    void other.setAside()
    await world.advanceTime(2_000)
    expect([late.status.localStore.kind, late.isSetAside]).toEqual(['indexeddb', true])
  })
})

describe('[R9.4] [R3.1] what another tab had not stored is in the copy that was set aside', () => {
  test.each(['the person', 'the server'] as const)('when it died with it, and %s ended the history', async (who) => {
    const { world, device, one, a, b, keptAside } = await twoTabs()
    if (who === 'the server') world.server.resetDocument('plan')
    device.stallLocks()
    device.delayStore(50)
    write(a, ' and its last word')
    await world.advanceTime(10)
    one.crash()
    device.delayStore(1)
    if (who === 'the person') void b.setAside()
    else world.goOnline()
    await world.advanceTime(1_000)
    device.answerLocks()
    await world.advanceTime(10_000)
    expect(b.isSetAside).toBe(true)
    expect(keptAside()).toEqual(['discarded and its last word'])
    expect(device.setAside('plan')[0]?.pendingCount).toBe(2)
    expect(world.server.committed('plan').getText('t').toString()).toBe('')
  })

  test('when the document is closed in the same task', async () => {
    const { world, device, one, a, b, keptAside } = await twoTabs()
    device.stallLocks()
    device.delayStore(50)
    write(a, ' and its last word')
    await world.advanceTime(10)
    one.crash()
    b.on('set-aside', () => void b.close())
    void b.setAside()
    await world.advanceTime(1_000)
    expect(keptAside()).toEqual(['discarded and its last word'])
    expect(device.setAside('plan')[0]?.pendingCount).toBe(2)
  })

  test('and once, where its tab is still there', async () => {
    const { world, device, a, b, keptAside } = await twoTabs()
    write(b, ' and more')
    await world.advanceTime(10)
    void a.setAside()
    await world.advanceTime(1_000)
    expect(keptAside()).toEqual(['discarded and more'])
    expect(device.setAside('plan')[0]?.pendingCount).toBe(2)
  })
})

describe('a tab whose copy another one has deleted', () => {
  async function afterSignOut() {
    const { world, device, a, b } = await twoTabs()
    const signingOut = device.openTab().createClient().signOut({ flush: false, wipe: 'always' })
    await world.advanceTime(10_000)
    expect((await signingOut).wiped).toBe(true)
    const fresh = device.openTab().createClient().open('plan')
    await world.advanceTime(5_000)
    return { world, device, a, b, fresh }
  }

  test('[R3.10] hands nothing of it to those that open the document anew', async () => {
    const { a, fresh } = await afterSignOut()
    expect(a.doc.getText('t').toString()).toBe('discarded')
    expect([fresh.doc.getText('t').toString(), fresh.pendingCount]).toEqual(['', 0])
  })

  test('[D1.1] [D1.3] does not lead them: what comes from the server is stored', async () => {
    const { world, device, a, b, fresh } = await afterSignOut()
    world.goOnline()
    const remote = world.device('phone').openTab().createClient().open('plan')
    await world.settle()
    write(remote, ' remote')
    await world.settle()
    expect(fresh.isLeader).toBe(true)
    for (const document of [a, b, fresh]) {
      expect([document.doc.getText('t').toString(), document.status.kind]).toEqual(['discarded remote', 'saved'])
    }
    expect(device.stored('plan')!.doc.getText('t').toString()).toBe('discarded remote')
  })
})

test('[D2.2] a disk that cannot be read any more keeps no edit from the server', async () => {
  const { world, device, b, committed } = await twoTabs()
  device.failStore('broken')
  world.goOnline()
  await world.advanceTime(10_000)
  expect([committed(), b.pendingCount]).toEqual(['discarded', 0])
})
