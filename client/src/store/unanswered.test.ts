import { beforeEach, describe, expect, test } from 'vitest'
import type { TidemarkDocument } from '../index.ts'
import { HandClock } from '../test-helpers/hand-clock.ts'
import { indexedDBOf } from '../test-helpers/indexeddb-of.ts'
import { createWorld, type Device, type Tab, type World } from '../testing/index.ts'
import { answered, begin, openDatabase, updatesStore } from './idb.ts'

type Kind = Parameters<Device['indexeddb']['outcomeOf']>[0]

/** Whose IndexedDB is the global one just now. */
let current: Tab
let world: World
let device: Device

indexedDBOf(() => current)
beforeEach(() => {
  world = createWorld({ diskDelay: 1 })
  device = world.device('laptop')
  device.goOffline()
  current = device.openTab()
})

/** The next step of this kind gets no answer, ever; all others do. */
function silence(kind: Kind): void {
  let isDue = true
  device.indexeddb.outcomeOf = (step) => {
    if (!isDue || step !== kind) return 'well'
    isDue = false
    return 'silent'
  }
}

/** Modules that are loaded when they are needed come in real time. */
async function pass(ms: number): Promise<void> {
  for (let step = 0; step < 20; step++) {
    await world.advanceTime(ms / 20)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function open(tab = current): TidemarkDocument {
  current = tab
  return tab.createClient({ disk: 'browser' }).open('plan')
}

const write = (document: TidemarkDocument, text: string) => document.doc.getText('t').insert(0, text)
const failureOf = ({ status: { localStore } }: TidemarkDocument) =>
  localStore.kind === 'indexeddb' ? localStore.failure?.code : 'in memory'

describe('[R3.12] a transaction that the browser leaves without an answer', () => {
  test('is given up; the edit is told not to be kept, and stored by the next try', async () => {
    const document = open()
    await pass(1_000)
    silence('write')
    write(document, 'x')
    await pass(4_500)
    expect(failureOf(document)).toBe(undefined)
    await pass(1_000)
    expect(failureOf(document)).toBe('local-storage-failed')
    await pass(1_000)
    expect(failureOf(document)).toBe(undefined)
    current.crash()
    const next = open(device.openTab())
    await pass(1_000)
    expect([next.doc.getText('t').toString(), next.pendingCount]).toEqual(['x', 1])
  })

  test('of a tab that reads holds up no other tab that writes', async () => {
    silence('read')
    const reader = open()
    await pass(6_000)
    expect(failureOf(reader)).toBe('in memory')
    const tab = device.openTab()
    const writer = open(tab)
    await pass(1_000)
    write(writer, 'x')
    await pass(1_000)
    expect(failureOf(writer)).toBe(undefined)
    tab.crash()
    const next = open(device.openTab())
    await pass(1_000)
    expect([next.doc.getText('t').toString(), next.pendingCount]).toEqual(['x', 1])
  })

  test('and is completing it, so that nobody can take it back: the edit is told not to be kept', async () => {
    const document = open()
    await pass(1_000)
    silence('commit')
    write(document, 'x')
    await pass(6_000)
    expect(failureOf(document)).toBe('local-storage-failed')
    expect((await Promise.race([document.close(), pass(20_000)]))?.unkept).toBe(1)
  })

  describe('is waited for', () => {
    const limit = 1_000

    async function begun(failures = 0) {
      const clock = new HandClock()
      const connecting = openDatabase('d', { clock, openTimeLimit: limit })
      await world.advanceTime(10)
      const { database } = await connecting
      const told: string[] = []
      silence('write')
      const onSilent = () => told.push('silent')
      const transaction = begin(database, updatesStore, 'readwrite', { failures, onSilent })
      transaction.onabort = () => told.push('aborted')
      const request = transaction.objectStore(updatesStore).add('a')
      await world.advanceTime(10)
      const advance = async (ms: number) => {
        clock.advance(ms)
        await world.advanceTime(10)
      }
      return { clock, told, request, advance }
    }

    test('for as long as was said', async () => {
      const { told, advance } = await begun()
      await advance(limit - 1)
      expect(told).toEqual([])
      await advance(1)
      expect(told).toEqual(['silent', 'aborted'])
    })

    test('anew with each of its requests that is answered', async () => {
      const { told, request, advance } = await begun()
      await advance(limit - 1)
      answered(request)
      await advance(limit - 1)
      expect(told).toEqual([])
      await advance(1)
      expect(told).toEqual(['silent', 'aborted'])
    })

    test('for longer when it was tried before: the device may be slow', async () => {
      const { told, advance } = await begun(2)
      await advance(4 * limit - 1)
      expect(told).toEqual([])
      await advance(1)
      expect(told).toEqual(['silent', 'aborted'])
    })

    test('when the device has slept meanwhile: its answer comes after the timers', async () => {
      const { clock, told, advance } = await begun()
      clock.sleep(3_600_000)
      await advance(limit / 2)
      expect(told).toEqual([])
      await advance(limit / 2)
      expect(told).toEqual(['silent', 'aborted'])
    })
  })
})
