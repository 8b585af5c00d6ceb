import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { collectGarbage } from '../../test/helpers/garbage.ts'
import { registerBackgroundSync } from './background-sync/page.ts'
import { emitDomEvents } from './compat/dom-events.ts'
import { createWorld } from './testing/index.ts'

async function someone() {
  const world = createWorld()
  const client = world.device('laptop').openTab().createClient({ catchUp: 'manual' })
  return { world, client, target: new EventTarget() }
}
type Someone = Awaited<ReturnType<typeof someone>>

/** Opens and closes documents; leaves nothing on the stack but weak references to them. */
async function openAndClose({ world, client }: Someone, count: number): Promise<WeakRef<object>[]> {
  const refs: WeakRef<object>[] = []
  for (let index = 0; index < count; index++) {
    const document = client.open(`doc${index}`)
    refs.push(new WeakRef(document), new WeakRef(document.doc))
    document.doc.getText('t').insert(0, 'x')
    await world.advanceTime(500)
    const closed = document.close()
    await world.advanceTime(500)
    await closed
  }
  return refs
}

async function aliveOf(world: Someone['world'], refs: readonly WeakRef<object>[]): Promise<number> {
  // what timers of the simulated devices still hold
  await world.advanceTime(200_000)
  for (let round = 0; round < 10; round++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    collectGarbage()
  }
  return refs.filter((ref) => ref.deref() !== undefined).length
}

const watchers: [string, (someone: Someone) => () => void][] = [
  ['nobody', () => () => {}],
  ['background sync', ({ client }) => registerBackgroundSync(client, { registration: Promise.resolve({}) })],
  ['DOM events', ({ client, target }) => emitDomEvents(client, { target })],
]

test.each(watchers)('[R6.7] documents that were closed are kept alive by no one: %s', async (_, watch) => {
  const me = await someone()
  const stop = watch(me)
  const refs = await openAndClose(me, 12)
  // the last one may still be on some stack
  expect(await aliveOf(me.world, refs)).toBeLessThanOrEqual(2)
  stop()
})

test('[D4.4] [R6.7] one that was closed with edits pending counts until it is saved, though nothing of it is kept', async () => {
  const { world, client, target } = await someone()
  const heard: string[] = []
  for (const name of ['pending-change', 'queue-drained'])
    target.addEventListener(`heys:${name}`, () => heard.push(name))
  emitDomEvents(client, { target })
  const [left, stays] = [client.open('left'), client.open('stays')]
  await world.settle()
  world.goOffline()
  left.doc.getText('t').insert(0, 'x')
  stays.doc.getText('t').insert(0, 'x')
  void left.close()
  await world.advanceTime(500)
  world.goOnline()
  await world.advanceTime(10_000)
  expect(stays.status).toMatchObject({ kind: 'saved', pendingCount: 0 })
  expect(heard).toEqual(['pending-change', 'pending-change'])
  client.open('left')
  await world.settle()
  expect(heard).toEqual(['pending-change', 'pending-change', 'pending-change', 'queue-drained'])
})

test('[D3.7] the browser is asked for what a closed document leaves unsaved', async () => {
  const { world, client } = await someone()
  let asked = 0
  const register = async () => void asked++
  registerBackgroundSync(client, { registration: Promise.resolve({ sync: { register } }) })
  const plan = client.open('plan')
  await world.settle()
  world.delayAcks(60_000)
  plan.doc.getText('t').insert(0, 'x')
  expect(asked).toBe(0)
  void plan.close()
  await world.advanceTime(500)
  expect(asked).toBe(1)
})

test('[R6.7] a Y.Doc that is opened and closed again and again is listened to by nobody', async () => {
  const { world, client } = await someone()
  const doc = new Y.Doc()
  const listeners = () => [...doc._observers.values()].reduce((sum, set: Set<unknown>) => sum + set.size, 0)
  const before = listeners()
  for (let round = 0; round < 3; round++) {
    const document = client.open('plan', { doc })
    await world.settle()
    doc.getText('t').insert(0, 'x')
    await world.settle()
    const closed = document.close()
    await world.advanceTime(1_000)
    await closed
  }
  expect(listeners()).toBe(before)
  expect(Object.hasOwn(doc, 'emit')).toBe(false)
})
