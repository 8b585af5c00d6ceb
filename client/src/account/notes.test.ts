import 'fake-indexeddb/auto'
import { systemClock } from '@tidemark/shared'
import { afterEach, expect, test, vi } from 'vitest'
import { createClient } from '../index.ts'
import { parseDatabaseName } from '../store/names.ts'
import { browserNotes } from './notes.ts'

afterEach(() => vi.unstubAllGlobals())

test('[D3.9] the account that was here last is noted for each server, and looking for it makes no database', async () => {
  expect(await browserNotes.read('ws://a/sync')).toBe(null)
  expect(await indexedDB.databases()).toEqual([])
  await browserNotes.update('ws://a/sync', () => 'ada')
  await browserNotes.update('ws://b/sync', () => 'ben')
  expect([await browserNotes.read('ws://a/sync'), await browserNotes.read('ws://b/sync')]).toEqual(['ada', 'ben'])
  await browserNotes.update('ws://b/sync', (noted) => (noted === 'ada' ? null : noted))
  await browserNotes.update('ws://a/sync', (noted) => (noted === 'ada' ? null : noted))
  expect([await browserNotes.read('ws://a/sync'), await browserNotes.read('ws://b/sync')]).toEqual([null, 'ben'])
  // it is no document's database, in no namespace
  for (const { name } of await indexedDB.databases()) {
    for (const namespace of ['', 'tidemark']) expect(parseDatabaseName(namespace, name!)).toBe(null)
  }
})

test.each<[string, PropertyDescriptor]>([
  ['has no IndexedDB', { value: undefined }],
  [
    'may not even ask for it',
    {
      get() {
        throw new DOMException('not here', 'SecurityError')
      },
    },
  ],
])('[D3.9] a page that %s opens its documents all the same, and says where', async (_, property) => {
  const given = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB')!
  Object.defineProperty(globalThis, 'indexedDB', { ...property, configurable: true })
  try {
    const auth = () => Promise.reject(new TypeError('fetch failed'))
    const client = createClient({ url: 'ws://127.0.0.1:1/sync', auth, log: () => {}, clock: systemClock })
    const document = client.open('plan')
    document.doc.getText('t').insert(0, 'x')
    await document.whenLoaded
    expect(document.status.localStore).toMatchObject({ kind: 'memory', reason: { code: 'local-storage-unavailable' } })
    expect(document.pendingCount).toBe(1)
    await client.signOut({ flush: false, wipe: 'always' })
  } finally {
    Object.defineProperty(globalThis, 'indexedDB', given)
  }
})
