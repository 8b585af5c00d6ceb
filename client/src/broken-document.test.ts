import { expect, test } from 'vitest'
import type { TidemarkDocument } from './document.ts'
import { fragileDoc } from './test-helpers/fragile-doc.ts'
import { createWorld } from './testing/index.ts'

const bodyOf = (document: TidemarkDocument) => document.doc.getText('body')

async function someone(options = {}) {
  const world = createWorld()
  const device = world.device('laptop')
  const client = device.openTab().createClient(options)
  const plan = client.open('plan', { doc: fragileDoc() })
  await world.settle()
  bodyOf(plan).insert(0, 'whole')
  await world.settle()
  const heard: string[] = []
  plan.on('error', ({ code }) => heard.push(code))
  plan.on('broken', ({ error }) => heard.push(`broken: ${error.code}`))
  plan.on('drained', () => heard.push('drained'))
  return { world, device, client, plan, heard }
}

function breakIt(document: TidemarkDocument): void {
  expect(() => bodyOf(document).delete(0, 1)).toThrow(RangeError)
}

test('[R3.6] a broken document is found out at once and never called saved again', async () => {
  const { world, plan, heard } = await someone()
  breakIt(plan)
  await null
  expect(plan.isBroken).toBe(true)
  expect(heard).toEqual(['document-broken', 'broken: document-broken'])
  expect(plan.status).toMatchObject({ kind: 'error', error: { code: 'document-broken' } })
  expect(plan.hasUnsyncedChanges).toBe(true)
  await expect(plan.flush()).rejects.toMatchObject({ code: 'document-broken' })
  plan.retry()
  plan.connect()
  await world.advanceTime(60_000)
  expect(plan.status).toMatchObject({ kind: 'error', error: { code: 'document-broken' } })
  expect(heard).not.toContain('drained')
})

test('[R3.6] opened anew it holds all that the broken one held, also what was typed into that; and saves it', async () => {
  const { world, client, plan } = await someone()
  breakIt(plan)
  await world.advanceTime(1_000)
  bodyOf(plan).insert(0, 'typed into nothing: ')
  const again = client.open('plan')
  expect(again).not.toBe(plan)
  expect(again.doc).not.toBe(plan.doc)
  expect(plan.isClosed).toBe(true)
  expect(await world.settle()).toBe(true)
  expect(bodyOf(again).toString()).toBe('typed into nothing: hole')
  expect(again.status).toMatchObject({ kind: 'saved', pendingCount: 0 })
  expect(world.server.committed('plan').getText('body').toString()).toBe('typed into nothing: hole')
})

test('[R3.6] what it held is pending on this device, and is there after a crash', async () => {
  const { world, device, plan } = await someone()
  device.goOffline()
  breakIt(plan)
  await world.advanceTime(1_000)
  device.tabs[0]?.crash()
  expect(device.stored('plan')).toMatchObject({ pendingCount: 1 })
  const again = device.openTab().createClient().open('plan')
  await world.advanceTime(1_000)
  expect(bodyOf(again).toString()).toBe('hole')
  expect(again.pendingCount).toBe(1)
})

test('[R3.6] [D1.5] another tab goes on with the document, and sends what the broken one held', async () => {
  const { world, device, plan } = await someone()
  const other = device.openTab().createClient().open('plan')
  await world.settle()
  breakIt(plan)
  await world.advanceTime(20_000)
  expect(bodyOf(other).toString()).toBe('hole')
  expect(other.isLeader).toBe(true)
  expect(other.status).toMatchObject({ kind: 'saved', pendingCount: 0 })
})

test('[R3.6] a broken Y.Doc is not taken again', async () => {
  const { client, plan } = await someone()
  breakIt(plan)
  await null
  expect(() => client.open('plan', { doc: plan.doc })).toThrow(
    expect.objectContaining({ code: 'configuration-invalid' }),
  )
})

test('[R3.6] closed before anybody could look: all it held is kept', async () => {
  const { world, device, plan, client } = await someone()
  device.goOffline()
  breakIt(plan)
  const closed = plan.close()
  await world.advanceTime(1_000)
  await closed
  expect(plan.isBroken).toBe(true)
  const again = client.open('plan')
  await world.advanceTime(1_000)
  expect(bodyOf(again).toString()).toBe('hole')
  expect(again.pendingCount).toBe(1)
})

test('[R3.1] closed by an observer: the edit it heard of is kept and counted', async () => {
  const { world, device, plan, client } = await someone()
  device.goOffline()
  bodyOf(plan).observe(() => void plan.close())
  bodyOf(plan).insert(0, 'last ')
  await world.advanceTime(1_000)
  const again = client.open('plan')
  await world.advanceTime(1_000)
  expect(bodyOf(again).toString()).toBe('last whole')
  expect(again.pendingCount).toBe(1)
})

test('[R6.5] listeners and observers of the app’s that throw: the edit is counted, saved, and the fault is told once', async () => {
  const world = createWorld()
  const client = world.device('laptop').openTab().createClient()
  const doc = fragileDoc()
  doc.on('update', () => {
    throw new Error('the app')
  })
  const plan = client.open('plan', { doc })
  const errors: unknown[] = []
  plan.on('error', ({ code, persistent, error }) => errors.push([code, persistent, (error.cause as Error).message]))
  await world.settle()
  bodyOf(plan).insert(0, 'kept')
  expect(plan.pendingCount).toBe(1)
  expect(await world.settle()).toBe(true)
  expect(world.server.committed('plan').getText('body').toString()).toBe('kept')
  expect(errors).toEqual([['app-listener-failed', false, 'the app']])
  expect(plan.isBroken).toBe(false)
})

test('[R6.5] [D1.2] a follower’s edit that makes an observer of the leader’s throw is sent all the same', async () => {
  const world = createWorld()
  const device = world.device('laptop')
  const leader = device.openTab().createClient().open('plan')
  await world.settle()
  const follower = device.openTab({ visible: false }).createClient().open('plan')
  await world.settle()
  expect(leader.isLeader).toBe(true)
  bodyOf(leader).observe(() => {
    throw new Error('the app')
  })
  bodyOf(follower).insert(0, 'one')
  await world.settle()
  bodyOf(follower).insert(0, 'two ')
  expect(await world.settle()).toBe(true)
  expect(world.server.committed('plan').getText('body').toString()).toBe('two one')
  expect(follower.status).toMatchObject({ kind: 'saved', pendingCount: 0 })
})

test('[R6.5] an observer that throws while the copy is loaded does not make the copy a broken one', async () => {
  const world = createWorld()
  const device = world.device('laptop')
  const first = device.openTab().createClient().open('plan')
  await world.settle()
  bodyOf(first).insert(0, 'stored')
  await world.settle()
  await Promise.all([first.close(), world.advanceTime(1_000)])
  const doc = fragileDoc()
  doc.getText('body').observe(() => {
    throw new Error('the app')
  })
  const again = device.openTab().createClient().open('plan', { doc })
  await world.settle()
  expect(again.status).toMatchObject({ kind: 'saved', localStore: { kind: 'indexeddb' } })
  expect(bodyOf(again).toString()).toBe('stored')
})

test('[R6.5] an observer that throws at what the server sends: nothing is missed, and the session goes on', async () => {
  const world = createWorld()
  const ada = world.device('ada').openTab().createClient().open('plan')
  const bob = world.device('bob').openTab().createClient().open('plan')
  await world.settle()
  bodyOf(bob).observe(() => {
    throw new Error('the app')
  })
  bob.awareness.on('change', () => {
    throw new Error('the app')
  })
  const errors: string[] = []
  bob.on('error', ({ code }) => errors.push(code))
  ada.awareness.setLocalStateField('name', 'Ada')
  bodyOf(ada).insert(0, 'one')
  await world.settle()
  bodyOf(ada).insert(0, 'two ')
  await world.settle()
  expect(bodyOf(bob).toString()).toBe('two one')
  expect(new Set(errors)).toEqual(new Set(['app-listener-failed']))
  expect(bob.awareness.getStates().size).toBe(2)
})
