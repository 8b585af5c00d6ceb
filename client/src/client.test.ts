import 'fake-indexeddb/auto'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'
import { type ClientOptions, createClient, type DocumentStatus, type LogEntry } from './index.ts'
import { startStockServer } from './test-helpers/stock-server.ts'
import { until } from './test-helpers/until.ts'

let namespaces = 0

function clientOf(options: Partial<ClientOptions> & { url: string }) {
  const log: LogEntry[] = []
  const client = createClient({
    namespace: `test${++namespaces}`,
    retry: { kind: 'steps', delays: [20], jitter: false },
    log: (entry) => log.push(entry),
    ...options,
  })
  onTestFinished(() => client.close())
  return { client, log }
}

describe('a person writes', () => {
  test('[C2] [H3] what they write reaches the server and another person, and is reported saved once', async () => {
    await using server = await startStockServer()
    const anna = clientOf(server).client.open('team-7/plan')
    const bert = clientOf(server).client.open('team-7/plan')
    const drained: number[] = []
    anna.on('drained', ({ lastSavedAt }) => drained.push(lastSavedAt))
    await Promise.all([anna.whenSynced, bert.whenSynced])
    expect(anna.status.kind).toBe('saved')
    expect(drained).toEqual([])

    anna.doc.getText('t').insert(0, 'hello')
    expect(anna.status).toMatchObject({ kind: 'syncing', pendingCount: 1 })
    await anna.flush()
    expect(anna.status).toMatchObject({ kind: 'saved', pendingCount: 0, status: 'connected' })
    expect(drained).toHaveLength(1)
    await until('bert sees it', () => bert.doc.getText('t').toString() === 'hello')
    expect(bert.pendingCount).toBe(0)
  })

  test('[H2] [R2.1] pending fires in the same tick as the edit, with no server at all', () => {
    const { client } = clientOf({ url: 'ws://127.0.0.1:1/sync' })
    const document = client.open('plan')
    const counts: number[] = []
    document.on('pending', ({ pendingCount }) => counts.push(pendingCount))
    document.doc.getText('t').insert(0, 'a')
    expect(counts).toEqual([1])
    document.doc.getText('t').insert(0, 'b')
    expect(counts).toEqual([1, 2])
  })

  test('[H6] [R3.2] edits that were pending when the tab died are pending at the next start, and get sent', async () => {
    const namespace = `test${++namespaces}`
    const before = clientOf({ url: 'ws://127.0.0.1:1/sync', namespace }).client
    const first = before.open('plan')
    await first.whenLoaded
    first.doc.getText('t').insert(0, 'kept')
    first.doc.getText('t').insert(4, '!')
    await before.close()

    await using server = await startStockServer()
    const second = clientOf({ url: server.url, namespace }).client.open('plan')
    const statuses: DocumentStatus[] = []
    const drained: number[] = []
    second.on('status', (status) => statuses.push(status))
    second.on('drained', ({ lastSavedAt }) => drained.push(lastSavedAt))
    await second.whenLoaded
    expect(second.doc.getText('t').toString()).toBe('kept!')
    expect(second.pendingCount).toBe(2)
    await second.flush()
    expect(drained).toHaveLength(1)
    expect(statuses.map(({ kind }) => kind)).toEqual(['syncing', 'syncing', 'saved'])
    expect(server.server.hocuspocus.documents.get('plan')?.getText('t').toString()).toBe('kept!')
  })

  test('[H7] signing out sends what is pending, wipes, and says so; without a server it keeps it and says what is left', async () => {
    const namespace = `test${++namespaces}`
    const offline = clientOf({ url: 'ws://127.0.0.1:1/sync', namespace }).client
    const document = offline.open('plan')
    document.doc.getText('t').insert(0, 'mine')
    expect(await offline.signOut({ timeout: 50 })).toEqual({
      drained: false,
      wiped: false,
      remaining: [{ name: 'plan', pendingCount: 1 }],
    })

    await using server = await startStockServer()
    // not even opened again: signing out finds it by itself
    const online = clientOf({ url: server.url, namespace }).client
    expect(await online.signOut()).toEqual({ drained: true, wiped: true, remaining: [] })
    const names = (await indexedDB.databases()).map(({ name }) => name)
    expect(names.filter((name) => name?.startsWith(namespace))).toEqual([])
  })

  test('an unmodified Y.Doc with content may be passed, and its content is an edit', async () => {
    await using server = await startStockServer()
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'before')
    const document = clientOf(server).client.open('plan', { doc })
    await document.whenLoaded
    expect(document.pendingCount).toBe(1)
    await document.flush()
    expect(server.server.hocuspocus.documents.get('plan')?.getText('t').toString()).toBe('before')
  })
})
