import { describe, expect, test } from 'vitest'
import type { TidemarkClient } from './index.ts'
import { createWorld, type World } from './testing/index.ts'

/** The copies that were set aside, as their person reads them. */
async function readAside(world: World, client: TidemarkClient) {
  const reading = client.setAsideCopies().then((copies) =>
    Promise.all(
      copies.map(async ({ id, reason, pendingCount }) => {
        const doc = await client.readSetAside(id)
        return { reason, pendingCount, text: doc.getText('t').toString() }
      }),
    ),
  )
  await world.advanceTime(100)
  return reading
}

describe('[R9.5] [R3.5] what could not be stored of a copy that is over is read as its person saw it', () => {
  test('when the server has ended the history, and the document is closed before the disk works again', async () => {
    const world = createWorld()
    const device = world.device('laptop')
    const client = device.openTab().createClient()
    const document = client.open('plan')
    const text = document.doc.getText('t')
    text.insert(0, 'stored')
    await world.settle()
    device.failStore('broken')
    world.server.resetDocument('plan')
    await world.advanceTime(20_000)
    expect([document.isSetAside, document.status.kind]).toEqual([false, 'error'])
    text.insert(text.length, ', and not stored')
    const closing = document.close()
    await world.advanceTime(20_000)
    device.healStore()
    expect(await closing).toEqual({ unkept: 1 })
    expect(await readAside(world, client)).toEqual([
      { reason: 'epoch-mismatch', pendingCount: 1, text: 'stored, and not stored' },
    ])
  })

  test('when another tab has begun a new copy before the page could store it', async () => {
    const world = createWorld()
    const device = world.device('laptop')
    const [one, two] = [device.openTab(), device.openTab()]
    const [client, other] = [one.createClient(), two.createClient()]
    const document = client.open('plan')
    const text = document.doc.getText('t')
    text.insert(0, 'stored')
    const old = other.open('plan')
    await world.settle()
    document.disconnect()
    await world.advanceTime(100)
    device.failStore('full')
    text.insert(text.length, ', and not stored')
    const closing = document.close()
    await world.advanceTime(500)
    expect(await closing).toEqual({ unkept: 1 })
    one.freeze()
    device.healStore()
    world.server.resetDocument('plan')
    await world.advanceTime(20_000)
    expect(old.isSetAside).toBe(true)
    const anew = other.open('plan')
    anew.doc.getText('t').insert(0, 'new')
    await world.settle()
    one.resume()
    await world.advanceTime(60_000)
    expect(await readAside(world, client)).toEqual([
      { reason: 'epoch-mismatch', pendingCount: 0, text: 'stored' },
      { reason: 'epoch-mismatch', pendingCount: 1, text: 'stored, and not stored' },
    ])
    expect(world.server.committed('plan').getText('t').toString()).toBe('new')
  })

  test('and what is open in memory by then is not set aside with it', async () => {
    const world = createWorld()
    const device = world.device('laptop')
    const client = device.openTab().createClient()
    const document = client.open('plan')
    document.doc.getText('t').insert(0, 'old')
    await world.settle()
    void device.openTab().createClient().signOut({ wipe: 'always' })
    await world.advanceTime(10_000)
    world.goOffline()
    document.doc.getText('t').insert(3, ' and pending')
    world.server.resetDocument('plan')
    world.goOnline()
    await world.advanceTime(20_000)
    expect(document.isSetAside).toBe(true)
    device.failStore('broken')
    const anew = client.open('plan')
    anew.doc.getText('t').insert(0, 'new')
    await world.advanceTime(20_000)
    expect(anew.status).toMatchObject({ kind: 'saved', localStore: { kind: 'memory' } })
    const closing = document.close()
    await world.advanceTime(20_000)
    expect(await closing).toEqual({ unkept: 1 })
    // each session asks whether the copy is still the document's
    world.server.dropSockets()
    await world.advanceTime(20_000)
    expect([anew.isSetAside, anew.status.kind]).toEqual([false, 'saved'])
    device.healStore()
    expect(await readAside(world, client)).toEqual([
      { reason: 'epoch-mismatch', pendingCount: 1, text: 'old and pending' },
    ])
  })
})
