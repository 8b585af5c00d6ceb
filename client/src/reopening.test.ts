import 'fake-indexeddb/auto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { encryptedStores } from './encryption/index.ts'
import type { ClientOptions } from './index.ts'
import { personAt, textOf, write } from './test-helpers/person.ts'
import { startStockServer } from './test-helpers/stock-server.ts'

const nowhere = 'ws://127.0.0.1:1/sync'
const generated = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
const keys = { current: { id: 'one', key: generated } }

const ways: [string, Partial<ClientOptions>][] = [
  ['IndexedDB', {}],
  ['IndexedDB, encrypted', { localStores: encryptedStores({ keys }) }],
  ['memory', { localStore: 'memory' }],
]

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(ways)('[R3.5] a document that is closed and opened again at once, kept in %s', (_, options) => {
  test('has what was written before it was even loaded; it is counted, and not wiped', async () => {
    const { client } = personAt(nowhere, options)
    const first = client.open('plan')
    write(first, 'first')
    void first.close()
    const again = client.open('plan')
    await again.whenLoaded
    expect([textOf(again), again.pendingCount > 0, again.status.kind === 'saved']).toEqual(['first', true, false])
    expect(await client.signOut({ timeout: 50 })).toEqual({
      drained: false,
      wiped: false,
      remaining: [{ name: 'plan', pendingCount: 1 }],
    })
  })

  test('has what was written after it was loaded, however often that happens', async () => {
    const { client, namespace } = personAt(nowhere, options)
    const docs = [new Y.Doc(), undefined, new Y.Doc(), undefined]
    let expected = ''
    for (const [round, doc] of docs.entries()) {
      const document = client.open('plan', doc ? { doc } : {})
      if (round % 2 === 1) await document.whenLoaded
      for (const letter of ['a', 'b', 'c', 'd', 'e', 'f']) {
        write(document, `${letter}${round} `)
        expected += `${letter}${round} `
      }
      void document.close()
    }
    const last = client.open('plan')
    await last.whenLoaded
    expect(textOf(last).split(' ').sort()).toEqual(expected.split(' ').sort())
    expect(last.pendingCount).toBeGreaterThan(0)
    await client.close()
    const later = personAt(nowhere, { ...options, namespace }).client.open('plan')
    await later.whenLoaded
    expect(textOf(later).split(' ').sort()).toEqual(expected.split(' ').sort())
  })

  test('by another client of the page, too; the server gets all of it', async () => {
    await using server = await startStockServer()
    const { client, namespace } = personAt(nowhere, options)
    const first = client.open('plan')
    write(first, 'early')
    void first.close()
    const second = personAt(server.url, { ...options, namespace }).client.open('plan')
    await second.flush()
    expect(textOf(second)).toBe('early')
    expect(server.server.hocuspocus.documents.get('plan')?.getText('t').toString()).toBe('early')
    await client.close()
  })

  test('whose Y.Doc is destroyed, or whose client is closed, while it is loading', async () => {
    const { client, namespace } = personAt(nowhere, options)
    const one = client.open('one')
    write(one, 'destroyed')
    one.doc.destroy()
    const two = client.open('two')
    write(two, 'closed')
    await client.close()
    const later = personAt(nowhere, { ...options, namespace }).client
    const [again, other] = [later.open('one'), later.open('two')]
    await Promise.all([again.whenLoaded, other.whenLoaded])
    expect([textOf(again), again.pendingCount, textOf(other), other.pendingCount]).toEqual([
      'destroyed',
      1,
      'closed',
      1,
    ])
  })

  test('signing out twice at once counts it both times', async () => {
    const { client } = personAt(nowhere, options)
    write(client.open('plan'), 'x')
    const results = await Promise.all([client.signOut({ timeout: 50 }), client.signOut({ timeout: 50 })])
    for (const result of results) expect(result).toMatchObject({ drained: false, wiped: false })
    expect(results.map(({ remaining }) => remaining)).toEqual([
      [{ name: 'plan', pendingCount: 1 }],
      [{ name: 'plan', pendingCount: 1 }],
    ])
  })
})
