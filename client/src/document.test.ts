import 'fake-indexeddb/auto'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type * as Y from 'yjs'
import { createClient } from './index.ts'
import { HandClock } from './test-helpers/hand-clock.ts'
import { pageListeners } from './test-helpers/page-listeners.ts'
import { listenTo, personAt, textOf, write } from './test-helpers/person.ts'
import { startStockServer } from './test-helpers/stock-server.ts'
import { until } from './test-helpers/until.ts'

const nowhere = 'ws://127.0.0.1:1/sync'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('[C1] [R2.3] with no network', () => {
  test('a document opens, is written, closed, and opens again as it was', async () => {
    const first = personAt(nowhere)
    const document = first.client.open('plan')
    await document.whenLoaded
    write(document, 'offline')
    await until('it is offline', () => document.status.kind === 'offline')
    expect(document.status).toMatchObject({ error: { code: 'server-unreachable' }, pendingCount: 1 })
    await first.client.close()
    const again = personAt(nowhere, { namespace: first.namespace }).client.open('plan')
    await again.whenLoaded
    expect(textOf(again)).toBe('offline')
  })

  test('[P12] each failed attempt is logged once, with document, attempt and cause', async () => {
    const { client, log } = personAt(nowhere)
    const document = client.open('plan')
    const heard = listenTo(document)
    await until('three attempts have failed', () => log.length >= 3)
    expect(log.slice(0, 3)).toMatchObject(
      [1, 2, 3].map((attempt) => ({ code: 'server-unreachable', document: 'plan', attempt })),
    )
    expect(log[0]?.cause).toContain('1006')
    expect(heard.errors.slice(0, 3)).toEqual(['server-unreachable', 'server-unreachable', 'server-unreachable'])
  })

  test('[H9] two accounts of one browser do not see each other’s copies', async () => {
    const anna = personAt(nowhere, { namespace: 'anna' }).client.open('plan')
    write(anna, 'secret')
    await anna.whenLoaded
    await anna.close()
    const bert = personAt(nowhere, { namespace: 'bert' }).client.open('plan')
    await bert.whenLoaded
    expect(textOf(bert)).toBe('')
  })
})

describe('[R2.3] [H4] IndexedDB broken', () => {
  test('missing: the document opens in memory, visibly, and saves to the server', async () => {
    vi.stubGlobal('indexedDB', undefined)
    onTestFinished(() => void vi.unstubAllGlobals())
    await using server = await startStockServer()
    const { client, log } = personAt(server.url)
    const document = client.open('plan')
    const heard = listenTo(document)
    write(document, 'x')
    await document.flush()
    expect(document.status).toMatchObject({
      kind: 'saved',
      localStore: { kind: 'memory', reason: { code: 'local-storage-unavailable' } },
    })
    expect(heard.errors).toEqual(['local-storage-unavailable'])
    expect(log).toMatchObject([{ code: 'local-storage-unavailable', document: 'plan' }])
  })

  test('failing to open: what is written before that is known is kept and saved', async () => {
    vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw new DOMException('denied', 'UnknownError')
    })
    await using server = await startStockServer()
    const document = personAt(server.url).client.open('plan')
    write(document, 'early')
    await document.flush()
    expect(server.server.hocuspocus.documents.get('plan')?.getText('t').toString()).toBe('early')
    expect(document.status.localStore.kind).toBe('memory')
  })

  test('no failure, no flush and no log line says that edits are kept on this device', async () => {
    vi.stubGlobal('indexedDB', undefined)
    onTestFinished(() => void vi.unstubAllGlobals())
    const { client, log } = personAt(nowhere)
    const said: string[] = []
    client.on('error', ({ error }) => said.push(error.message))
    const document = client.open('plan')
    document.on('error', ({ error }) => said.push(error.message))
    write(document, 'x')
    await expect(document.flush({ timeout: 50 })).rejects.toSatisfy(({ code, message }) => {
      said.push(message)
      return code === 'flush-timeout'
    })
    await until('it has failed to connect', () => log.some(({ code }) => code === 'server-unreachable'))
    said.push(...log.map(({ message }) => message))
    expect(said.filter((message) => message.includes('Keep this page open')).length).toBeGreaterThan(3)
    expect(said.filter((message) => /(are|is) kept/.test(message))).toEqual([])
  })

  test('failing to write, with no server either: an error, with the reason, and the edits stay', async () => {
    const document = personAt(nowhere).client.open('plan')
    const heard = listenTo(document)
    await document.whenLoaded
    vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })
    write(document, 'x')
    await until('it is an error', () => document.status.kind === 'error')
    expect(document.status).toMatchObject({ error: { code: 'local-storage-full' }, pendingCount: 1 })
    expect(heard.errors).toContain('local-storage-full')
    expect(textOf(document)).toBe('x')
  })
})

describe('[P8] [R2.4] closing the tab', () => {
  test('asks while an edit is stored nowhere, and no longer once it is on this device', async () => {
    const { asks } = pageListeners()
    const document = personAt(nowhere).client.open('plan')
    await document.whenLoaded
    expect(asks()).toBe(false)
    write(document, 'x')
    expect(asks()).toBe(true)
    await until('it is stored', () => !asks())
    expect(document.pendingCount).toBe(1)
  })

  test('in memory it asks until the server holds the edit', async () => {
    const { asks } = pageListeners()
    await using server = await startStockServer()
    const { client, line } = personAt(server.url, { localStore: 'memory' })
    line.holds = ({ kind }) => kind === 'sync-status'
    const document = client.open('plan')
    write(document, 'x')
    await until('the ack is on its way', () => line.heldCount > 0)
    expect(asks()).toBe(true)
    line.release()
    await document.flush()
    expect(asks()).toBe(false)
  })

  test('never asks when it was told not to', async () => {
    const { asks } = pageListeners()
    const document = personAt(nowhere, { preventUnsavedChanges: false }).client.open('plan')
    write(document, 'x')
    expect(asks()).toBe(false)
  })

  test('a closed document leaves no listener on the page', async () => {
    const { listeners } = pageListeners()
    const { client } = personAt(nowhere)
    const document = client.open('plan')
    write(document, 'x')
    await client.close()
    expect([...listeners].filter(([, set]) => set.size > 0)).toEqual([])
  })
})

describe('flush', () => {
  test('gives up after its time, and says so; the edits stay', async () => {
    const document = personAt(nowhere).client.open('plan')
    write(document, 'x')
    await expect(document.flush({ timeout: 30 })).rejects.toMatchObject({ code: 'flush-timeout' })
    expect(document.pendingCount).toBe(1)
  })

  test('can be cancelled', async () => {
    const document = personAt(nowhere).client.open('plan')
    write(document, 'x')
    const abort = new AbortController()
    const flushed = document.flush({ signal: abort.signal })
    abort.abort()
    await expect(flushed).rejects.toMatchObject({ code: 'flush-aborted' })
    await expect(document.flush({ signal: abort.signal })).rejects.toMatchObject({ code: 'flush-aborted' })
  })

  test('ends with the document', async () => {
    const document = personAt(nowhere).client.open('plan')
    write(document, 'x')
    const flushed = document.flush()
    void document.close()
    await expect(flushed).rejects.toMatchObject({ code: 'document-closed' })
    await expect(document.flush()).rejects.toMatchObject({ code: 'document-closed' })
  })

  test('waits for what was written before it, not for what is written after', async () => {
    await using server = await startStockServer()
    const document = personAt(server.url).client.open('plan')
    await document.whenSynced
    write(document, 'x')
    const flushed = document.flush()
    const writing = setInterval(() => write(document, 'y'), 0)
    await flushed
    clearInterval(writing)
  })
})

describe('opening and closing', () => {
  test('the same name gives the same document while it is open, and a new one afterwards', async () => {
    const { client } = personAt(nowhere)
    const first = client.open('plan')
    expect(client.open('plan')).toBe(first)
    await Promise.all([first.close(), first.close(), first.destroy()])
    expect(client.documents).toEqual([])
    expect(client.open('plan')).not.toBe(first)
  })

  test.each(['', ' ', '../x', 'a\u0000b', 'x'.repeat(10_000)])('the name %j is refused', (name) => {
    const { client } = personAt(nowhere)
    expect(() => client.open(name)).toThrow(expect.objectContaining({ code: 'document-name-invalid' }))
  })

  test('a Y.Doc of another copy of yjs is refused, with advice', () => {
    const { client } = personAt(nowhere)
    const stranger = { getText() {}, on() {} } as unknown as Y.Doc
    expect(() => client.open('plan', { doc: stranger })).toThrow(/copy of yjs/)
  })

  test('destroying the Y.Doc closes the document', async () => {
    const { client } = personAt(nowhere)
    client.open('plan').doc.destroy()
    await until('it is closed', () => client.documents.length === 0)
  })

  test('[R2.1] [R4.1] what closing tells of itself finds the document closed, and closes it once', async () => {
    await using server = await startStockServer()
    const document = personAt(server.url).client.open('plan')
    await document.whenSynced
    const heard: boolean[] = []
    let ends = 0
    document.on('destroy', () => ends++)
    document.on('status', () => {
      heard.push(document.isClosed)
      void document.close()
    })
    await document.close()
    expect(heard.length).toBeGreaterThan(0)
    expect(heard).not.toContain(false)
    expect(ends).toBe(1)
  })

  test('an edit made right before closing is on this device', async () => {
    const first = personAt(nowhere)
    const document = first.client.open('plan')
    write(document, 'last words')
    await document.close()
    const again = first.client.open('plan')
    await again.whenLoaded
    expect(textOf(again)).toBe('last words')
    expect(again.pendingCount).toBe(1)
  })

  test('a closed client has no timer left, and opens nothing', async () => {
    const clock = new HandClock()
    await using server = await startStockServer()
    const client = createClient({ url: server.url, clock, log: () => {}, namespace: 'timers' })
    const document = client.open('plan')
    write(document, 'x')
    await until('it is saved', () => document.status.kind === 'saved')
    write(document, 'y')
    await client.close()
    expect(clock.pending).toBe(0)
    expect(client.connectionStatus).toBe('disconnected')
    expect(() => client.open('plan')).toThrow(expect.objectContaining({ code: 'document-closed' }))
  })

  test('[R6.5] a listener that throws does not keep the edit from being saved, and the fault is told', async () => {
    await using server = await startStockServer()
    const document = personAt(server.url).client.open('plan')
    const told: unknown[] = []
    document.on('error', ({ code, error }) => told.push([code, error.cause]))
    const fault = new Error('the app’s own fault')
    const off = document.on('pending', () => {
      throw fault
    })
    write(document, 'x')
    off()
    await document.flush()
    expect(told).toEqual([['app-listener-failed', fault]])
  })

  test('[R6.5] a listener of errors that throws is the page’s error', async () => {
    await using server = await startStockServer()
    const document = personAt(server.url).client.open('plan')
    const thrown: unknown[] = []
    const later = vi.spyOn(globalThis, 'setTimeout')
    const offErrors = document.on('error', () => {
      later.mockImplementationOnce(((callback: () => void) => {
        try {
          callback()
        } catch (error) {
          thrown.push(error)
        }
      }) as never)
      throw new Error('the app’s second fault')
    })
    const off = document.on('pending', () => {
      throw new Error('the app’s own fault')
    })
    write(document, 'x')
    off()
    await until('it is thrown at the page', () => thrown.length > 0)
    later.mockRestore()
    // the end of the server is an error, too
    offErrors()
    expect(thrown).toEqual([new Error('the app’s second fault')])
    await document.flush()
  })
})

test('[R4.1] an app that flushes whenever the status changes is not told that an edit is saved which was not sent yet', async () => {
  await using server = await startStockServer()
  const { client } = personAt(server.url, { sendWindow: 50 })
  const document = client.open('plan')
  await document.whenSynced
  document.on('status', () => void document.flush().catch(() => {}))
  const drained = new Promise((resolve) => document.on('drained', resolve))
  write(document, 'a')
  write(document, 'b')
  await drained
  expect(server.server.hocuspocus.documents.get('plan')?.getText('t').toString()).toBe('ab')
})
