import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { ServerProcess } from '../helpers/server.ts'
import { secret, token } from '../helpers/tokens.ts'
import { until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

/** An unmodified y-websocket client, with the token where that client can put it. */
class YWebsocketPerson implements Disposable {
  readonly doc = new Y.Doc()
  readonly provider: WebsocketProvider
  closed: { code: number; reason: string } | null = null

  constructor(server: ServerProcess, document: string, params: Record<string, string>) {
    // no BroadcastChannel: two people in one test process would find each other without the server
    this.provider = new WebsocketProvider(server.yWebsocket, document, this.doc, { params, disableBc: true })
    this.provider.on('closed', (event) => {
      this.closed = event
    })
  }

  get edits(): Y.Array<string> {
    return this.doc.getArray<string>('edits')
  }

  get others(): unknown[] {
    const states = [...this.provider.awareness.getStates()]
    return states.filter(([client]) => client !== this.doc.clientID).map(([, state]) => state.user)
  }

  async synced(): Promise<this> {
    await until('the y-websocket client is synced', () => this.provider.synced)
    return this
  }

  [Symbol.dispose](): void {
    this.provider.destroy()
    this.provider.awareness.destroy()
    this.doc.destroy()
  }
}

describe('[B4] [C2] [C10] clients of other stacks, unmodified', () => {
  let server: ServerProcess
  let ada: string
  let ben: string

  beforeAll(async () => {
    server = await ServerProcess.start({ secret, env: { TIDEMARK_LOG_LEVEL: 'trace' } })
    ada = await token({ subject: 'ada', name: 'Ada' })
    ben = await token({ subject: 'ben', name: 'Ben' })
  })
  afterAll(async () => server[Symbol.asyncDispose]())

  test('a HocuspocusProvider and a y-websocket client write in one document and see each other', async () => {
    using writer = new Writer({ url: server.sync, document: 'team-7/plan', token: ada })
    using person = new YWebsocketPerson(server, 'team-7/plan', { token: ben })
    await Promise.all([writer.synced(), person.synced()])

    const first = writer.write()
    person.edits.push(['from y-websocket'])
    await until('each has the edit of the other', () => writer.edits.length === 2 && person.edits.length === 2)
    expect(person.edits.toArray()).toEqual(writer.edits.toArray())
    expect(writer.edits.toArray().sort()).toEqual(['from y-websocket', first].sort())

    writer.provider.setAwarenessField('user', { name: 'Ada' })
    person.provider.awareness.setLocalStateField('user', { name: 'Ben' })
    await until('y-websocket sees Hocuspocus', () => person.others.some((user) => name(user) === 'Ada'))
    const states = () => [...(writer.provider.awareness?.getStates().values() ?? [])]
    await until('Hocuspocus sees y-websocket', () => states().some((state) => name(state.user) === 'Ben'))
    person[Symbol.dispose]()
    await until('who leaves is gone at once', () => !states().some((state) => name(state.user) === 'Ben'), {
      timeout: 3000,
    })
  })

  test('[B1] what is acknowledged to the HocuspocusProvider survives kill -9, and so does what a peer of it wrote before', async () => {
    const writer = new Writer({ url: server.sync, document: 'durable', token: ada })
    const person = new YWebsocketPerson(server, 'durable', { token: ben })
    await Promise.all([writer.synced(), person.synced()])
    person.edits.push(['from y-websocket'])
    await until('the edit has arrived', () => writer.edits.length === 1)
    writer.write()
    await writer.drained()
    writer[Symbol.dispose]()
    person[Symbol.dispose]()
    await server.restart()
    const edits = await readEdits({ url: server.sync, document: 'durable', token: ada })
    expect(edits).toEqual(['from y-websocket', ...writer.acknowledged])
  })

  test('both come back by themselves after the server was restarted, with the edits made meanwhile', async () => {
    using writer = new Writer({ url: server.sync, document: 'comes-back', token: ada })
    using person = new YWebsocketPerson(server, 'comes-back', { token: ben })
    await Promise.all([writer.synced(), person.synced()])
    await server.kill9()
    writer.write()
    person.edits.push(['from y-websocket'])
    await server.start()
    await until('they agree', () => writer.edits.length === 2 && person.edits.length === 2, { timeout: 20_000 })
    await writer.drained()
  })

  test('[R10.2] the token in the y-websocket URL never appears in the log, nor in the database', async () => {
    using person = new YWebsocketPerson(server, 'quiet', { token: ben, other: 'parameter-that-is-not-logged' })
    await person.synced()
    person.edits.push(['x'])
    using refused = new YWebsocketPerson(server, 'quiet', { token: `${ben}-broken` })
    await until('it is refused', () => refused.closed)
    expect(server.output).not.toContain(ben)
    expect(server.output).not.toContain(ben.split('.')[2])
    expect(server.output).not.toContain('parameter-that-is-not-logged')
    expect(server.output).not.toContain(ada.split('.')[2])
  })

  test('a y-websocket client without access is told not to come back, with the reason', async () => {
    const stranger = await token({ subject: 'eve', documents: { 'team-8/*': 'write' } })
    using person = new YWebsocketPerson(server, 'team-7/plan', { token: stranger })
    expect(await until('it is closed for good', () => person.closed)).toEqual({
      code: 4403,
      reason: 'permission-denied',
    })
    using nobody = new YWebsocketPerson(server, 'team-7/plan', {})
    const closed = await until('it is closed for good', () => nobody.closed)
    expect(closed.code).toBe(4401)
    expect(['token-missing', 'token-invalid']).toContain(closed.reason)
  })

  test('a y-websocket reader reads, and its edits reach nobody', async () => {
    const reader = await token({ subject: 'rita', documents: { 'read-me': 'read' } })
    using writer = new Writer({ url: server.sync, document: 'read-me', token: ada })
    await writer.synced()
    const edit = writer.write()
    await writer.drained()
    using person = new YWebsocketPerson(server, 'read-me', { token: reader })
    await person.synced()
    expect(person.edits.toArray()).toEqual([edit])
    person.edits.push(['not allowed'])
    const second = writer.write()
    await until('the reader still hears', () => person.edits.toArray().includes(second))
    expect(writer.edits.toArray()).toEqual([edit, second])
    expect(await readEdits({ url: server.sync, document: 'read-me', token: ada })).toEqual([edit, second])
  })

  test('several documents on one HocuspocusProvider socket, and two sessions of one document', async () => {
    using one = new Writer({ url: server.sync, document: 'a', token: ada })
    using two = new Writer({ url: server.sync, document: 'b', token: ada })
    await Promise.all([one.synced(), two.synced()])
    one.write()
    two.write()
    await Promise.all([one.drained(), two.drained()])
    expect(await readEdits({ url: server.sync, document: 'a', token: ada })).toEqual(one.acknowledged)
    expect(await readEdits({ url: server.sync, document: 'b', token: ada })).toEqual(two.acknowledged)
  })
})

function name(user: unknown): unknown {
  return user && typeof user === 'object' && 'name' in user ? user.name : undefined
}
