import 'fake-indexeddb/auto'
import { describe, expect, test } from 'vitest'
import { personAt, textOf, write } from './test-helpers/person.ts'
import { startStockServer } from './test-helpers/stock-server.ts'
import { until } from './test-helpers/until.ts'
import { createWorld } from './testing/world.ts'

const writesOf = (kinds: readonly string[]) => kinds.filter((kind) => kind === 'sync-reply' || kind === 'update')

describe('[T2] [D3.2] one flight, however many ask for it', () => {
  test('ten who flush at once while edits wait for the send window cause one send', async () => {
    await using server = await startStockServer()
    const { client, line } = personAt(server.url, { sendWindow: 500 })
    const document = client.open('plan')
    await document.whenSynced
    line.sent.length = 0
    for (let edit = 0; edit < 20; edit++) write(document, 'x')
    await Promise.all(Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? document.flush() : client.flush())))
    expect(writesOf(line.sentKinds())).toEqual(['update'])
    await document.flush()
    document.retry()
    expect(writesOf(line.sentKinds())).toEqual(['update'])
  })

  test('ten who flush and retry without a connection cause one attempt, and one handshake carries everything', async () => {
    await using server = await startStockServer()
    const { client, line } = personAt(server.url, { retry: { kind: 'steps', delays: [60_000], jitter: false } })
    const document = client.open('plan')
    await document.whenSynced
    line.isDown = true
    line.cut()
    write(document, 'x')
    await until('the connection is gone', () => document.connectionStatus === 'disconnected')
    line.isDown = false
    line.urls.length = line.sent.length = 0
    const flights = Array.from({ length: 10 }, () => document.flush())
    for (let call = 0; call < 10; call++) document.retry()
    await Promise.all(flights)
    expect(line.urls.length).toBe(1)
    expect(writesOf(line.sentKinds())).toEqual(['sync-reply'])
    expect(server.server.hocuspocus.documents.get('plan')?.getText('t').toString()).toBe('x')
  })

  test('across tabs: five tabs that flush, retry, and a schedule that is due share one attempt and one session', async () => {
    const world = createWorld()
    const laptop = world.device('laptop')
    const retry = { kind: 'steps', delays: [60_000], jitter: false } as const
    const documents = Array.from({ length: 5 }, () => laptop.openTab().createClient({ retry }).open('plan'))
    await world.settle()
    world.server.kill()
    await world.advanceTime(1_000)
    for (const document of documents) write(document, 'x')
    world.server.start()
    const before = world.server.socketCount
    const flights = documents.flatMap((document) => [document.flush(), document.flush()])
    for (const document of documents) document.retry()
    await world.settle()
    await Promise.all(flights)
    expect(before).toBe(0)
    expect([laptop.socketCount, world.server.sessionCount('plan')]).toEqual([1, 1])
    expect(world.server.committed('plan').getText('t').toString()).toBe('xxxxx')
    expect(laptop.stored('plan')).toMatchObject({ pendingCount: 0 })
  })

  test('a session that waits for its next try does not make a flush wait for it', async () => {
    let isBusy = true
    const world = createWorld({ authorise: () => (isBusy ? 'server-busy' : 'write') })
    const retry = { kind: 'steps', delays: [60_000], jitter: false } as const
    const document = world.device('laptop').openTab().createClient({ retry }).open('plan')
    write(document, 'x')
    await world.advanceTime(1_000)
    expect(document.status.kind).toBe('syncing')
    isBusy = false
    const flights = [document.flush(), document.flush()]
    await world.advanceTime(1_000)
    await Promise.all(flights)
    expect(world.server.sessionCount('plan')).toBe(1)
  })
})

describe('[T5] [D3.8] thousands of pending edits', () => {
  test('made offline, they travel as one message', async () => {
    const count = 10_000
    await using server = await startStockServer()
    const { client, line } = personAt(server.url, { localStore: 'memory' })
    const document = client.open('plan')
    await document.whenSynced
    line.isDown = true
    line.cut()
    await until('the connection is gone', () => document.connectionStatus !== 'connected')
    line.sent.length = 0
    for (let edit = 0; edit < count; edit++) write(document, 'x')
    expect(document.getStatus()).toEqual({ total: count, pending: count, processing: 0, failed: 0 })
    expect(line.sent).toEqual([])
    line.isDown = false
    await document.flush()
    expect(writesOf(line.sentKinds())).toEqual(['sync-reply'])
    expect(server.server.hocuspocus.documents.get('plan')?.getText('t').toString()).toBe(textOf(document))
    expect(document.getStatus().total).toBe(0)
  })

  test('while the server’s acks wait each message counts, and the last ack saves everything', async () => {
    const count = 2_000
    const world = createWorld()
    const document = world.device('laptop').openTab().createClient({ sendWindow: 0 }).open('plan')
    await world.settle()
    world.delayAcks(60_000)
    for (let edit = 0; edit < count; edit++) write(document, 'x')
    await world.advanceTime(100)
    expect(document.getStatus()).toEqual({ total: count, pending: 0, processing: count, failed: 0 })
    await world.advanceTime(61_000)
    expect(document.status).toMatchObject({ kind: 'saved', pendingCount: 0 })
  }, 30_000)
})

describe('[W5] how long to wait', () => {
  async function delayed() {
    const world = createWorld()
    const client = world.device('laptop').openTab().createClient({ catchUp: 'manual' })
    const plan = client.open('plan')
    await world.settle()
    world.goOffline()
    write(plan, 'x')
    return { world, client, plan }
  }

  test('Infinity is for ever', async () => {
    const { world, client, plan } = await delayed()
    const outcomes: string[] = []
    void plan.flush({ timeout: Number.POSITIVE_INFINITY }).then(
      () => outcomes.push('flushed'),
      ({ code }) => outcomes.push(code),
    )
    const results = client.catchUp({ timeout: Number.POSITIVE_INFINITY })
    await world.advanceTime(3_600_000)
    expect(outcomes).toEqual([])
    world.goOnline()
    await world.settle()
    expect(outcomes).toEqual(['flushed'])
    expect(await results).toEqual([{ name: 'plan', outcome: 'saved' }])
  })

  test.each([Number.NaN, -1])('%d is refused', async (timeout) => {
    const { client, plan } = await delayed()
    const wrong = { code: 'configuration-invalid' }
    await expect(plan.flush({ timeout })).rejects.toMatchObject(wrong)
    await expect(client.flush({ timeout })).rejects.toMatchObject(wrong)
    await expect(client.catchUp({ timeout })).rejects.toMatchObject(wrong)
    await expect(client.signOut({ timeout })).rejects.toMatchObject(wrong)
    expect(plan.isClosed).toBe(false)
  })

  test('with the system’s clock, too', async () => {
    const { client } = personAt('ws://127.0.0.1:1/', { longOffline: Number.POSITIVE_INFINITY })
    const document = client.open('plan')
    await document.whenLoaded
    write(document, 'x')
    let isOver = false
    const flushed = document.flush({ timeout: 2 ** 31 }).finally(() => {
      isOver = true
    })
    flushed.catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isOver).toBe(false)
    expect(document.status.attention?.kind).not.toBe('offline-long')
  })
})
