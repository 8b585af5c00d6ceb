import { expect, test } from 'vitest'
import type { TidemarkDocument } from '../index.ts'
import { createWorld, type World } from './index.ts'

/** What an app author would write. */
function write(document: TidemarkDocument, text: string): void {
  const body = document.doc.getText('body')
  body.insert(body.length, text)
}

const textOf = (document: TidemarkDocument) => document.doc.getText('body').toString()
const savedIn = (world: World, name = 'plan') => world.server.committed(name).getText('body').toString()

/** Everything an app hears of a document. */
function listenTo(document: TidemarkDocument): string[] {
  const heard: string[] = []
  document.on('pending', ({ pendingCount }) => heard.push(`pending ${pendingCount}`))
  document.on('drained', () => heard.push('drained'))
  document.on('error', ({ code }) => heard.push(code))
  return heard
}

async function someone(world: World, name = 'laptop') {
  const device = world.device(name)
  const tab = device.openTab()
  const plan = tab.createClient().open('plan')
  expect(await world.settle()).toBe(true)
  return { device, tab, plan, heard: listenTo(plan) }
}

test('[B6] [H2] goes offline, edits, sees pending, comes back, sees drained', async () => {
  const world = createWorld()
  const { plan, heard } = await someone(world)
  world.goOffline()
  expect(plan.status.kind).toBe('offline')
  write(plan, 'in a tunnel')
  expect(plan.pendingCount).toBe(1)
  await world.advanceTime(60_000)
  expect(savedIn(world)).toBe('')
  expect(new Set(heard)).toEqual(new Set(['network-offline', 'pending 1']))
  world.goOnline()
  expect(await world.settle()).toBe(true)
  expect(heard.filter((what) => what !== 'network-offline')).toEqual(['pending 1', 'drained'])
  expect(plan.status.kind).toBe('saved')
  expect(savedIn(world)).toBe('in a tunnel')
})

test('[B6] [R1.3] delayAcks: the other person sees the edit at once, the writer is told "saved" only when it is committed', async () => {
  const world = createWorld({ latency: 5 })
  const [ada, bob] = [await someone(world, 'ada'), await someone(world, 'bob')]
  world.delayAcks(2_000)
  write(ada.plan, 'slow')
  await world.advanceTime(100)
  expect(textOf(bob.plan)).toBe('slow')
  expect(savedIn(world)).toBe('')
  expect(ada.plan.status).toMatchObject({ kind: 'syncing', pendingCount: 1 })
  await world.advanceTime(2_000)
  expect(savedIn(world)).toBe('slow')
  expect(ada.heard).toEqual(['pending 1', 'drained'])
})

test('[B6] [R5.5] failStore: the app is told within 2 s and again when it is over; nothing is lost', async () => {
  const world = createWorld()
  const { plan, heard } = await someone(world)
  world.server.failStore()
  write(plan, 'kept')
  await world.advanceTime(2_000)
  expect(plan.status.kind).toBe('error')
  expect(heard).toEqual(['pending 1', 'storage-unavailable'])
  expect(savedIn(world)).toBe('')
  world.server.healStore()
  await world.settle()
  expect(plan.status.kind).toBe('saved')
  expect(heard.at(-1)).toBe('drained')
  expect(savedIn(world)).toBe('kept')
})

test('[B6] [R1.1] a killed server has lost exactly what it had not acknowledged; the clients bring it back', async () => {
  const world = createWorld()
  const { plan, heard } = await someone(world)
  write(plan, 'acknowledged')
  await world.settle()
  world.delayAcks(1_000)
  write(plan, ', not acknowledged')
  await world.advanceTime(100)
  expect(world.server.inMemory('plan').getText('body').toString()).toBe('acknowledged, not acknowledged')
  world.server.kill()
  expect(savedIn(world)).toBe('acknowledged')
  world.server.start()
  expect(savedIn(world)).toBe('acknowledged')
  expect(await world.settle()).toBe(true)
  expect(savedIn(world)).toBe('acknowledged, not acknowledged')
  expect(heard.filter((what) => what === 'drained')).toHaveLength(2)
})

test('[B6] [W3] a server that stops commits and acknowledges first', async () => {
  const world = createWorld()
  const { plan, heard } = await someone(world)
  world.delayAcks(500)
  write(plan, 'just in time')
  await world.advanceTime(100)
  await world.server.stop()
  expect(savedIn(world)).toBe('just in time')
  await world.advanceTime(50)
  expect(heard).toEqual(['pending 1', 'drained', 'server-restarting'])
})

test('[B6] [D2.2] failStore of the device: a full disk is told, sync goes on, and what was not stored is stored later', async () => {
  const world = createWorld()
  const { device, plan, heard } = await someone(world)
  device.failStore('full')
  write(plan, 'no room')
  await world.advanceTime(200)
  expect(heard).toContain('local-storage-full')
  expect(savedIn(world)).toBe('no room')
  expect(device.stored('plan')?.doc.getText('body').toString()).toBe('')
  device.healStore()
  await world.advanceTime(30_000)
  expect(device.stored('plan')?.doc.getText('body').toString()).toBe('no room')
})

test('[B6] [R3.2] a tab crashes with pending edits; the next one has them, shows them as pending, and sends them', async () => {
  const world = createWorld()
  const { device, tab, plan } = await someone(world)
  device.goOffline()
  write(plan, 'before the crash')
  await world.advanceTime(100)
  tab.crash()
  expect(device.stored('plan')).toMatchObject({ pendingCount: 1 })
  const again = device.openTab().createClient().open('plan')
  await world.advanceTime(100)
  expect(textOf(again)).toBe('before the crash')
  expect(again.pendingCount).toBe(1)
  device.goOnline()
  expect(await world.settle()).toBe(true)
  expect(savedIn(world)).toBe('before the crash')
  expect(device.stored('plan')).toMatchObject({ pendingCount: 0 })
})

test('[B6] a partition: the socket stays open and says nothing, until the heartbeat notices', async () => {
  const world = createWorld()
  const device = world.device('laptop')
  const client = device.openTab().createClient({ heartbeat: { interval: 1_000, misses: 2 } })
  const plan = client.open('plan')
  await world.settle()
  const heard = listenTo(plan)
  world.partition()
  write(plan, 'into the void')
  await world.advanceTime(1_500)
  expect(plan.connectionStatus).toBe('connected')
  await world.advanceTime(3_000)
  expect(heard).toEqual(['pending 1', 'heartbeat-missed'])
  world.heal()
  expect(await world.settle()).toBe(true)
  expect(savedIn(world)).toBe('into the void')
})

test('[B6] a laptop that slept finds its line dead and recovers', async () => {
  const world = createWorld()
  const { device, plan } = await someone(world)
  device.sleep()
  await world.advanceTime(8 * 3_600_000)
  expect(world.server.socketCount).toBe(0)
  device.wake()
  write(plan, 'good morning')
  expect(await world.settle()).toBe(true)
  expect(savedIn(world)).toBe('good morning')
})

test('[B6] [H4] setLevel: a reader is refused with a typed reason, and may write when the level is raised', async () => {
  const world = createWorld()
  const { plan, heard } = await someone(world)
  world.server.setLevel('read', 'plan')
  await world.advanceTime(100)
  expect(plan.level).toBe('read')
  write(plan, 'not mine to write')
  await world.advanceTime(1_000)
  expect(heard).toEqual(['pending 1', 'read-only'])
  world.server.setLevel('write', 'plan')
  expect(await world.settle()).toBe(true)
  expect(savedIn(world)).toBe('not mine to write')
})

test('[B6] authorise: a token that the server does not accept is told', async () => {
  const world = createWorld({ authorise: (token) => (token === 'good' ? 'write' : 'token-invalid') })
  const tab = world.device('laptop').openTab()
  const plan = tab.createClient({ auth: () => 'bad' }).open('plan')
  const heard = listenTo(plan)
  await world.advanceTime(1_000)
  expect(heard).toEqual(['token-invalid'])
  expect(plan.status.kind).toBe('error')
  const other = tab.createClient({ auth: async () => 'good', namespace: 'other' }).open('plan')
  await world.advanceTime(1_000)
  expect(other.status.kind).toBe('saved')
})

test('[B6] presence goes when its tab does, and comes back with the next one', async () => {
  const world = createWorld()
  const [ada, bob] = [await someone(world, 'ada'), await someone(world, 'bob')]
  ada.plan.awareness.setLocalState({ name: 'Ada' })
  await world.advanceTime(100)
  const names = () => [...bob.plan.awareness.getStates().values()].flatMap(({ name }) => name ?? [])
  expect(names()).toEqual(['Ada'])
  ada.tab.crash()
  await world.advanceTime(1_000)
  expect(names()).toEqual([])
})

test('[B6] [D1] tabs of one device share a socket, their edits and their truth; a frozen leader is replaced', async () => {
  const world = createWorld()
  const device = world.device('laptop')
  const tabs = [device.openTab(), device.openTab()]
  const [one, two] = tabs.map((tab) => tab.createClient().open('plan'))
  await world.settle()
  expect([device.socketCount, world.server.sessionCount('plan')]).toEqual([1, 1])
  world.goOffline()
  write(one!, 'seen by both')
  await world.advanceTime(10)
  expect([textOf(two!), two!.pendingCount]).toEqual(['seen by both', 1])
  world.goOnline()
  const leader = one!.isLeader ? 0 : 1
  tabs[leader]!.freeze()
  expect(await world.settle()).toBe(true)
  expect([one!, two!][1 - leader]!.isLeader).toBe(true)
  expect(savedIn(world)).toBe('seen by both')
  tabs[leader]!.resume()
  expect(await world.settle()).toBe(true)
  expect([one!.isLeader, two!.isLeader].filter(Boolean)).toHaveLength(1)
})

test('[B6] [R9.4] resetDocument: the old copy is set aside, and nothing of it doubles', async () => {
  const world = createWorld()
  const { device, tab, plan } = await someone(world)
  write(plan, 'before')
  await world.settle()
  const epoch = world.server.epochOf('plan')
  world.server.resetDocument('plan')
  await world.advanceTime(5_000)
  expect(plan.isSetAside).toBe(true)
  tab.close()
  const again = device.openTab().createClient().open('plan')
  expect(await world.settle()).toBe(true)
  expect(textOf(again)).toBe('')
  expect(world.server.epochOf('plan')).not.toBe(epoch)
  expect(device.setAside('plan').map(({ doc }) => doc.getText('body').toString())).toEqual(['before'])
})

test('[B6] [D2.6] clearStorage while it is open: what is in the document is stored again', async () => {
  const world = createWorld()
  const { device, plan } = await someone(world)
  write(plan, 'still here')
  await world.settle()
  device.clearStorage()
  expect(device.stored('plan')).toBeNull()
  await world.advanceTime(100)
  expect(device.stored('plan')?.doc.getText('body').toString()).toBe('still here')
})

test('[B6] the same seed gives the same run, another one another', async () => {
  const run = async (seed: number) => {
    const world = createWorld({ seed, latency: { least: 1, most: 50 } })
    const people = [await someone(world, 'ada'), await someone(world, 'bob')]
    for (const { plan } of people) write(plan, plan === people[0]?.plan ? 'a' : 'b')
    await world.settle()
    return { time: world.time, saved: savedIn(world), clients: people.map(({ plan }) => plan.doc.clientID) }
  }
  expect(await run(7)).toEqual(await run(7))
  expect(await run(7)).not.toEqual(await run(8))
})

test('[B6] a page that is prerendered gets its locks when somebody looks at it', async () => {
  const world = createWorld()
  const tab = world.device('laptop').openTab({ prerendered: true })
  const held: string[] = []
  void tab.world.locks!.request('a', {}, () => void held.push('a'))
  await world.advanceTime(60_000)
  expect(held).toEqual([])
  tab.activate()
  await world.advanceTime(0)
  expect(held).toEqual(['a'])
})

test('[B6] a browser that answers no request for a lock answers all of them later, in order', async () => {
  const world = createWorld()
  const device = world.device('laptop')
  const { locks } = device.openTab().world
  const held: string[] = []
  device.stallLocks()
  for (const name of ['a', 'b']) void locks!.request(name, {}, () => void held.push(name))
  await world.advanceTime(60_000)
  expect(held).toEqual([])
  device.answerLocks()
  await world.advanceTime(0)
  expect(held).toEqual(['a', 'b'])
})

test('[B6] a message beyond the limit of the server closes its socket', async () => {
  const world = createWorld()
  world.server.maxMessageBytes = 1_000
  const socket = world.device('laptop').openTab().createSocket('ws://tidemark.test/sync')
  const codes: number[] = []
  socket.addEventListener('close', ({ code }) => codes.push(code))
  await world.advanceTime(100)
  socket.send(new Uint8Array(1_001))
  await world.advanceTime(100)
  expect(codes).toEqual([1009])
})

test('[B6] the server knows whose token brought an update', async () => {
  const world = createWorld()
  const plan = world
    .device('laptop')
    .openTab()
    .createClient({ auth: () => 'of Ada' })
    .open('plan')
  write(plan, 'mine')
  await world.settle()
  expect(world.server.writers('plan')).toEqual(['of Ada'])
})
