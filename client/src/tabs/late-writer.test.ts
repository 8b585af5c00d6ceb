import { describe, expect, test } from 'vitest'
import { createWorld } from '../testing/index.ts'

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
