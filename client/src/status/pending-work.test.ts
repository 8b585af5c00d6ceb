import { describe, expect, test } from 'vitest'
import type { TidemarkDocument } from '../document.ts'
import type { LogEntry } from '../log.ts'
import type { TabClientOptions } from '../testing/tab.ts'
import { createWorld } from '../testing/world.ts'
import { indicatorOf } from './indicator.ts'

const minute = 60_000
const steps = (...seconds: number[]) =>
  ({ kind: 'steps', delays: seconds.map((second) => second * 1_000), jitter: false }) as const

function write(document: TidemarkDocument, text = 'x'): void {
  document.doc.getText('t').insert(0, text)
}

/** What the app is told of `attention`, in order. */
function toldOf(document: TidemarkDocument): string[] {
  const told: string[] = []
  document.on('status', ({ attention }) => {
    if ((attention?.kind ?? 'nothing') !== (told.at(-1) ?? 'nothing')) told.push(attention?.kind ?? 'nothing')
  })
  return told
}

/** Two tabs of one device; `ada` leads. */
async function twoTabs(options: TabClientOptions = {}) {
  const world = createWorld()
  const laptop = world.device('laptop')
  const clients = [laptop.openTab(), laptop.openTab()].map((tab) => tab.createClient(options))
  const [ada, bob] = clients.map((client) => client.open('plan')) as [TidemarkDocument, TidemarkDocument]
  await world.settle()
  return { world, laptop, clients, both: [ada, bob] as const, leader: ada.isLeader ? ada : bob }
}

describe('[P7] [D3.1] getStatus counts what is pending', () => {
  test('not sent, sent, refused, and none of it: the same numbers in every tab', async () => {
    const { world, both, clients, leader } = await twoTabs()
    const follower = both.find((document) => document !== leader)!
    const counts = () => both.map((document) => document.getStatus())
    world.goOffline()
    write(follower)
    write(follower)
    await world.advanceTime(100)
    const twoPending = { total: 2, pending: 2, processing: 0, failed: 0 }
    expect(counts()).toEqual([twoPending, twoPending])
    world.delayAcks(1_000)
    world.goOnline()
    await world.advanceTime(600)
    const twoUnderWay = { total: 2, pending: 0, processing: 2, failed: 0 }
    expect(counts()).toEqual([twoUnderWay, twoUnderWay])
    write(leader)
    const oneMore = { total: 3, pending: 1, processing: 2, failed: 0 }
    expect(leader.getStatus()).toEqual(oneMore)
    await world.settle()
    const nothing = { total: 0, pending: 0, processing: 0, failed: 0 }
    expect(counts()).toEqual([nothing, nothing])

    world.server.setLevel('read', 'plan')
    write(follower)
    await world.advanceTime(2_000)
    const refused = { total: 1, pending: 0, processing: 0, failed: 1 }
    expect(counts()).toEqual([refused, refused])
    for (const document of both) {
      expect(document.failed).toEqual([expect.objectContaining({ code: 'read-only', pendingCount: 1 })])
      expect(document.pendingCount).toBe(document.getStatus().total)
    }
    expect(clients[0]!.getStatus()).toEqual(refused)
    world.server.setLevel('write', 'plan')
    for (const document of both) document.retry()
    expect(await world.settle()).toBe(true)
    expect(counts()).toEqual([nothing, nothing])
    expect(both.map(({ failed }) => failed)).toEqual([[], []])
  })

  test('a client’s are the sum over its open documents', async () => {
    const world = createWorld()
    const client = world.device('laptop').openTab().createClient()
    const documents = ['a', 'b'].map((name) => client.open(name))
    await world.settle()
    world.goOffline()
    for (const document of documents) write(document)
    expect(client.getStatus()).toEqual({ total: 2, pending: 2, processing: 0, failed: 0 })
  })
})

describe('[P6] [V4] [D3.4] a sync that keeps failing', () => {
  test.each([
    [steps(1, 5, 15), 3, 21_000],
    [steps(1, 3, 9, 27, 120), 5, 160_000],
    [{ kind: 'exponential', first: 1_000, factor: 2, max: 30_000, jitter: false } as const, 5, 31_000],
  ])('%j: is shown as failed when try %i has failed, with Retry; the edits stay', async (retry, tries, after) => {
    const { world, both } = await twoTabs({ retry })
    const told = both.map(toldOf)
    const start = world.now
    world.server.kill()
    write(both[0])
    await world.advanceTime(after - 500)
    expect(both.map(({ status }) => status.attention)).toEqual([null, null])
    expect(both[0].getStatus()).toMatchObject({ pending: 1, failed: 0 })
    await world.advanceTime(1_000)
    for (const document of both) {
      const { status } = document
      expect(status.attention).toMatchObject({ kind: 'sync-failing', attempts: tries + 1 })
      expect(status.attention!.since - start).toBeLessThan(1_000)
      expect(indicatorOf(status)).toMatchObject({ tone: 'red', label: 'Error', action: 'Retry' })
      expect(indicatorOf(status).detail).toMatch(/cannot be reached.*1 edit not on the server.*attempts in a row/)
      expect(document.getStatus()).toEqual({ total: 1, pending: 0, processing: 0, failed: 1 })
      expect(document.failed).toEqual([
        expect.objectContaining({ code: 'server-unreachable', attempts: tries + 1, pendingCount: 1 }),
      ])
    }
    // it goes on trying, and nothing was dropped
    world.server.start()
    await world.advanceTime(150_000)
    expect(both.map(({ status }) => status.kind)).toEqual(['saved', 'saved'])
    expect(world.server.committed('plan').getText('t').toString()).toBe('x')
    expect(told).toEqual([
      ['sync-failing', 'nothing'],
      ['sync-failing', 'nothing'],
    ])
  })

  test('`attemptsBeforeFailed` says otherwise', async () => {
    const { world, both } = await twoTabs({ retry: steps(1), attemptsBeforeFailed: 7 })
    world.server.kill()
    await world.advanceTime(6_500)
    expect(both[0].status.attention).toBe(null)
    await world.advanceTime(1_000)
    expect(both[0].status.attention).toMatchObject({ attempts: 8 })
  })

  test('Retry in any tab begins anew: nothing is failed until as many tries have failed again', async () => {
    const { world, both, leader } = await twoTabs({ retry: steps(1, 2) })
    const follower = both.find((document) => document !== leader)!
    world.server.kill()
    write(leader)
    await world.advanceTime(10_000)
    expect(both.map(({ status }) => status.attention?.kind)).toEqual(['sync-failing', 'sync-failing'])
    follower.retry()
    await world.advanceTime(500)
    expect(both.map(({ status }) => status.attention)).toEqual([null, null])
    await world.advanceTime(10_000)
    expect(both.map(({ status }) => status.attention?.kind)).toEqual(['sync-failing', 'sync-failing'])
  })

  test('sessions that fail on a good line count like connections that do', async () => {
    const world = createWorld()
    const auth = () => {
      throw new Error('the app’s own server is away')
    }
    const document = world
      .device('laptop')
      .openTab()
      .createClient({ retry: steps(1, 2), auth })
      .open('plan')
    await world.advanceTime(2_500)
    expect(document.status).toMatchObject({ kind: 'error', status: 'connected', attention: null })
    await world.advanceTime(1_000)
    expect(document.status.attention).toMatchObject({ attempts: 3, error: { code: 'token-provider-failed' } })
  })

  test('a tab that takes over goes on counting', async () => {
    const { world, laptop, both, leader } = await twoTabs({ retry: steps(1, 2, 4) })
    const follower = both.find((document) => document !== leader)!
    world.server.kill()
    await world.advanceTime(2_500)
    laptop.tabs[both.indexOf(leader)]!.close()
    await world.advanceTime(1_000)
    expect(follower.isLeader).toBe(true)
    expect(follower.status.attention).toBe(null)
    await world.advanceTime(1_000)
    expect(follower.status.attention).toMatchObject({ kind: 'sync-failing', attempts: 4 })
  })

  test('a device that knows it has no network is offline; that is no failed try', async () => {
    const { world, both } = await twoTabs({ retry: steps(1) })
    world.goOffline()
    write(both[0])
    await world.advanceTime(5 * minute)
    expect(both.map(({ status }) => [status.kind, status.attention])).toEqual([
      ['offline', null],
      ['offline', null],
    ])
    expect(indicatorOf(both[0].status)).toMatchObject({ tone: 'grey', label: 'Offline' })
  })
})

describe('[V9] [D3.5] offline for over half an hour', () => {
  test('the person is told once, in every tab, and it is over with the connection', async () => {
    const { world, both } = await twoTabs()
    const told = both.map(toldOf)
    const start = world.now
    world.goOffline()
    write(both[0])
    await world.advanceTime(29 * minute)
    expect(told).toEqual([[], []])
    await world.advanceTime(2 * minute)
    expect(told).toEqual([['offline-long'], ['offline-long']])
    const { status } = both[1]
    expect(status.attention).toEqual({ kind: 'offline-long', since: start })
    expect(indicatorOf(status)).toMatchObject({ tone: 'red', label: 'Offline', action: 'Retry' })
    expect(indicatorOf(status).detail).toMatch(/1 edit not on the server yet\. There has been no connection since .*\d/)
    await world.advanceTime(120 * minute)
    expect(told).toEqual([['offline-long'], ['offline-long']])
    world.goOnline()
    expect(await world.settle()).toBe(true)
    await world.advanceTime(1_000)
    expect(told).toEqual([
      ['offline-long', 'nothing'],
      ['offline-long', 'nothing'],
    ])
  })

  test('a night in which the laptop slept is not told as soon as the lid is opened', async () => {
    const { world, laptop, both } = await twoTabs()
    const told = both.map(toldOf)
    world.goOffline()
    await world.advanceTime(minute)
    laptop.goOnline()
    laptop.sleep()
    await world.advanceTime(8 * 60 * minute)
    laptop.wake()
    expect(await world.settle()).toBe(true)
    expect(told).toEqual([[], []])
  })

  test('a clock that is set by a day changes nothing', async () => {
    const { world, both } = await twoTabs()
    const told = both.map(toldOf)
    world.goOffline()
    await world.advanceTime(10 * minute)
    world.jumpClock(24 * 60 * minute)
    await world.advanceTime(10 * minute)
    world.jumpClock(-48 * 60 * minute)
    await world.advanceTime(9 * minute)
    expect(told).toEqual([[], []])
    await world.advanceTime(3 * minute)
    expect(told).toEqual([['offline-long'], ['offline-long']])
  })

  test('who disconnects on purpose is not told', async () => {
    const { world, both } = await twoTabs({ longOffline: 1_000 })
    for (const document of both) document.disconnect()
    await world.advanceTime(minute)
    expect(both.map(({ status }) => status.attention)).toEqual([null, null])
  })
})

test('[P12] [R5.3] each failure is logged with document, session, attempt and cause', async () => {
  const world = createWorld()
  const log: LogEntry[] = []
  const client = world
    .device('laptop')
    .openTab()
    .createClient({ log: (entry) => log.push(entry), retry: steps(1) })
  const document = client.open('plan')
  await world.settle()
  world.server.kill()
  await world.advanceTime(3_500)
  expect(log.map(({ code, attempt, document }) => [code, attempt, document])).toEqual([
    ['connection-lost', 1, 'plan'],
    ['server-unreachable', 2, 'plan'],
    ['server-unreachable', 3, 'plan'],
    ['server-unreachable', 4, 'plan'],
  ])
  // being asked to hurry does not make the next failure the first
  void document.flush().catch(() => {})
  write(document)
  void document.flush().catch(() => {})
  await world.advanceTime(100)
  expect(log.at(-1)).toMatchObject({ code: 'server-unreachable', attempt: 5, cause: expect.any(String) })
  world.server.start()
  await world.settle()
  log.length = 0
  world.server.setLevel('read', 'plan')
  write(document)
  await world.advanceTime(1_000)
  expect(log).toEqual([
    expect.objectContaining({ code: 'read-only', attempt: 1, document: 'plan', session: expect.any(String) }),
  ])
})
