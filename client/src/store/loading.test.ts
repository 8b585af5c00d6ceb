import { beforeEach, expect, test } from 'vitest'
import { indexedDBOf } from '../test-helpers/indexeddb-of.ts'
import { createWorld, type Device, type Tab, type World } from '../testing/index.ts'

/** Whose IndexedDB is the global one just now. */
let current: Tab
let world: World
let device: Device

indexedDBOf(() => current)
beforeEach(async () => {
  world = createWorld({ diskDelay: 2 })
  device = world.device('laptop')
  device.goOffline()
  const document = open()
  await world.advanceTime(1_000)
  document.doc.getText('t').insert(0, 'kept')
  await world.advanceTime(1_000)
  current.crash()
})

function open(name = 'plan') {
  current = device.openTab()
  return current.createClient({ disk: 'browser' }).open(name)
}

test.each([
  ['plan', 'kept'],
  ['new', ''],
])(
  '[D2.6] [R2.3] the browser drops its connections while %s is loaded: it is loaded all the same',
  async (name, text) => {
    for (let ms = 0; ms < 8; ms++) {
      const document = open(name)
      await world.advanceTime(ms)
      device.indexeddb.closeAll()
      await world.advanceTime(1_000)
      expect([ms, document.status.localStore.kind, document.doc.getText('t').toString()]).toEqual([
        ms,
        'indexeddb',
        text,
      ])
      current.crash()
      if (name === 'new') device.indexeddb.databases.clear()
    }
  },
)

test.each(['open', 'read', 'begin'] as const)(
  '[R2.3] a step that fails once (%s) does not make a document open in memory',
  async (kind) => {
    let left = 1
    device.indexeddb.outcomeOf = (step) =>
      step === kind && left-- > 0 ? (kind === 'begin' ? 'gone' : 'fails') : 'well'
    const document = open()
    await world.advanceTime(1_000)
    expect([document.status.localStore.kind, document.doc.getText('t').toString()]).toEqual(['indexeddb', 'kept'])
    expect(left).toBeLessThan(1)
  },
)

test('[R2.3] one that fails each time does, and says so', async () => {
  device.indexeddb.outcomeOf = (step) => (step === 'read' ? 'fails' : 'well')
  const document = open()
  await world.advanceTime(1_000)
  expect(document.status.localStore).toMatchObject({ kind: 'memory', reason: { code: 'local-storage-unavailable' } })
})
