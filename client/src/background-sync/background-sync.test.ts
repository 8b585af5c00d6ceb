import { describe, expect, test } from 'vitest'
import type { TidemarkDocument } from '../document.ts'
import { createWorld } from '../testing/world.ts'
import { registerBackgroundSync } from './page.ts'
import type { SyncEvent } from './sync-api.ts'
import { type BackgroundClient, handleBackgroundSync } from './worker.ts'

function write(document: TidemarkDocument, text = 'x'): void {
  document.doc.getText('t').insert(0, text)
}

/** A worker's scope, and the browser that wakes it. */
function worker(createClient: () => BackgroundClient) {
  const listeners: ((event: SyncEvent) => void)[] = []
  handleBackgroundSync({ addEventListener: (_, listener) => listeners.push(listener) }, { createClient })
  return {
    wake(tag = 'tidemark'): Promise<unknown> | null {
      let work: Promise<unknown> | null = null
      const event = { tag, waitUntil: (given: Promise<unknown>) => (work = given) } as unknown as SyncEvent
      for (const listener of listeners) listener(event)
      return work
    },
  }
}

/** A device whose last tab was closed with an edit that was not sent. */
async function writtenInATunnel() {
  const world = createWorld()
  const laptop = world.device('laptop')
  laptop.goOffline()
  const tab = laptop.openTab()
  write(tab.createClient().open('plan'))
  await world.advanceTime(1_000)
  tab.close()
  return { world, laptop }
}

describe('[H11] [D3.7] the worker', () => {
  test('sends what is left on the device, and is gone', async () => {
    const { world, laptop } = await writtenInATunnel()
    laptop.goOnline()
    const asleep = laptop.openTab({ visible: false })
    const done = worker(() => asleep.createClient({ catchUp: 'manual' })).wake()
    await world.advanceTime(5_000)
    await done
    expect(world.server.committed('plan').getText('t').toString()).toBe('x')
    expect([laptop.stored('plan')!.pendingCount, laptop.socketCount]).toEqual([0, 0])
  })

  test('tells the browser when something is left, so that it tries again; and does not hear what is not for it', async () => {
    const { world, laptop } = await writtenInATunnel()
    const asleep = laptop.openTab({ visible: false })
    const { wake } = worker(() => asleep.createClient({ catchUp: 'manual' }))
    expect(wake('another tag')).toBe(null)
    const done = wake()!.catch((error) => error)
    await world.advanceTime(40_000)
    expect(await done).toMatchObject({ code: 'flush-timeout' })
    expect([laptop.stored('plan')!.pendingCount, laptop.socketCount, asleep.documents.length]).toEqual([1, 0, 0])
  })
})

describe('[H11] [D3.7] the page', () => {
  test('asks once for what is pending without a connection, again when there is more after it was saved', async () => {
    const world = createWorld()
    const client = world.device('laptop').openTab().createClient()
    const tags: string[] = []
    const sync = { register: async (tag: string) => void tags.push(tag) }
    const stop = registerBackgroundSync(client, { registration: { sync }, tag: 'mine' })
    const document = client.open('plan')
    await world.settle()
    write(document)
    await world.settle()
    expect(tags).toEqual([])
    world.goOffline()
    for (let edit = 0; edit < 5; edit++) write(document)
    await world.advanceTime(100_000)
    expect(tags).toEqual(['mine'])
    world.goOnline()
    await world.settle()
    write(document)
    world.goOffline()
    await world.advanceTime(1_000)
    expect(tags).toEqual(['mine', 'mine'])
    stop()
    client.open('other')
    write(client.open('other'))
    await world.advanceTime(1_000)
    expect(tags).toEqual(['mine', 'mine'])
  })

  test('goes on without a word where there is no Background Sync, no worker, or no permission', async () => {
    const world = createWorld()
    const client = world.device('laptop').openTab().createClient()
    const refused = { register: () => Promise.reject(new DOMException('no', 'NotAllowedError')) }
    registerBackgroundSync(client)
    registerBackgroundSync(client, { registration: {} })
    registerBackgroundSync(client, { registration: { sync: refused } })
    world.goOffline()
    write(client.open('plan'))
    await world.advanceTime(1_000)
    expect(client.getStatus().total).toBe(1)
  })
})
