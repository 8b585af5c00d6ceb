import 'fake-indexeddb/auto'
import { encodeServerMessage } from '@tidemark/shared'
import { describe, expect, test } from 'vitest'
import type { TidemarkDocument } from '../index.ts'
import { listenTo, personAt, textOf, write } from '../test-helpers/person.ts'
import { hello } from '../test-helpers/server-words.ts'
import { startStockServer } from '../test-helpers/stock-server.ts'
import { until } from '../test-helpers/until.ts'

/** A server, or a proxy before it, that takes messages of this size at most. */
const serverThatTakes = (bytes: number) => startStockServer({ websocketOptions: { maxPayload: bytes } })
type Server = Awaited<ReturnType<typeof startStockServer>>

const onServer = (server: Server, name: string) => server.server.hocuspocus.documents.get(name)
const isSaved = ({ status }: TidemarkDocument) => status.kind === 'saved' && status.pendingCount === 0

describe('[R6.6] [R3.7] more than the server takes in one message', () => {
  test('edits made offline are divided and saved; drained comes once, after the last', async () => {
    await using server = await serverThatTakes(20_000)
    const { client, line } = personAt(server.url)
    line.isDown = true
    const document = client.open('plan')
    const other = client.open('other')
    await document.whenLoaded
    for (let count = 0; count < 200; count++) write(document, `${count} ${'x'.repeat(1_000)} `)
    write(other, 'small')
    const heard = listenTo(document)
    const text = textOf(document)
    line.isDown = false
    document.retry()
    await until('both are saved', () => isSaved(document) && isSaved(other), 10_000)
    expect(onServer(server, 'plan')?.getText('t').toString()).toBe(text)
    expect(heard.drained).toBe(1)
    expect(heard.errors).not.toContain('message-too-large')
    // and once it is known how much is taken, no connection breaks any more
    const connections = line.urls.length
    write(document, 'y'.repeat(50_000))
    await document.flush()
    expect(onServer(server, 'plan')?.getText('t').toString()).toBe(textOf(document))
    expect(line.urls).toHaveLength(connections)
  })

  test('one value that cannot be divided concerns its document only; trying again breaks no connection', async () => {
    await using server = await serverThatTakes(20_000)
    const { client, line } = personAt(server.url)
    const [large, other] = [client.open('large'), client.open('other')]
    await Promise.all([large.whenSynced, other.whenSynced])
    const heard = { large: listenTo(large), other: listenTo(other) }
    large.doc.getMap('m').set('file', 'x'.repeat(60_000))
    await until('it is told', () => large.status.kind === 'error')
    expect(large.status).toMatchObject({ error: { code: 'message-too-large' }, pendingCount: 1 })
    await expect(large.flush()).rejects.toMatchObject({ code: 'message-too-large' })
    expect(large.getStatus()).toMatchObject({ failed: 1 })
    await until('the other is saved', () => isSaved(other))
    const connections = line.urls.length
    large.retry()
    write(large, 'stands on it')
    write(other, 'goes on')
    await other.flush()
    await until('it is told again', () => heard.large.errors.filter((code) => code === 'message-too-large').length > 1)
    large.retry()
    write(other, ', and on')
    await other.flush()
    expect(line.urls).toHaveLength(connections)
    expect(heard.other.errors).not.toContain('message-too-large')
    expect(heard.other.kinds).not.toContain('error')
    expect(large.pendingCount).toBe(2)
    expect(onServer(server, 'other')?.getText('t').toString()).toBe('goes on, and on')
    // the person takes it back
    large.doc.getMap('m').delete('file')
    await until('it is saved', () => isSaved(large))
    expect(onServer(server, 'large')?.getText('t').toString()).toBe('stands on it')
    expect(line.urls).toHaveLength(connections)
    expect(heard.large.drained).toBe(1)
  })

  test('a value of another time that is too large is told at the first handshake; documents opened beside it are saved', async () => {
    await using server = await serverThatTakes(20_000)
    const first = personAt('ws://127.0.0.1:1/')
    const early = first.client.open('large')
    await early.whenLoaded
    early.doc.getMap('m').set('file', 'x'.repeat(60_000))
    await first.client.close()
    const { client } = personAt(server.url, { namespace: first.namespace })
    const large = client.open('large')
    const others = ['a', 'b', 'c'].map((name) => client.open(name))
    for (const other of others) write(other, other.name)
    await until('it is told', () => large.status.kind === 'error')
    await until('the others are saved', () => others.every(isSaved))
    expect(large.status).toMatchObject({ error: { code: 'message-too-large' } })
  })

  test('a value that is smaller than what is taken is sent, though texts are divided far below', async () => {
    await using server = await serverThatTakes(20_000)
    const { client } = personAt(server.url)
    const document = client.open('plan')
    await document.whenSynced
    write(document, 'x'.repeat(60_000))
    await until('it is saved', () => isSaved(document))
    document.doc.getMap('m').set('file', 'y'.repeat(18_000))
    await document.flush()
    expect(onServer(server, 'plan')?.getMap('m').get('file')).toHaveLength(18_000)
  })

  test('a presence that is too large is left out; edits go on', async () => {
    await using server = await serverThatTakes(20_000)
    const { client, line } = personAt(server.url)
    const document = client.open('plan')
    await document.whenSynced
    const heard = listenTo(document)
    document.awareness.setLocalStateField('cursor', 'x'.repeat(60_000))
    await until('it is told', () => heard.errors.includes('message-too-large'))
    write(document, 'an edit')
    await document.flush()
    const connections = line.urls.length
    document.awareness.setLocalStateField('more', 'x')
    write(document, ', and another')
    await document.flush()
    expect(line.urls).toHaveLength(connections)
  })

  test('a server that says what it takes is never sent more: no connection breaks', async () => {
    await using server = await startStockServer({
      websocketOptions: { maxPayload: 20_000 },
      connected: async ({ connection }) =>
        connection?.sendStateless(encodeServerMessage({ ...hello, messageBytes: 20_000 })),
    })
    const { client, line } = personAt(server.url)
    const [large, divided, other] = ['large', 'divided', 'other'].map((name) => client.open(name)) as [
      TidemarkDocument,
      TidemarkDocument,
      TidemarkDocument,
    ]
    for (let count = 0; count < 20; count++) write(divided, `${count} ${'x'.repeat(5_000)}`)
    large.doc.getMap('m').set('file', 'x'.repeat(60_000))
    write(other, 'small')
    await until('it is told', () => large.status.kind === 'error')
    await until('the others are saved', () => isSaved(divided) && isSaved(other))
    expect(line.urls).toHaveLength(1)
    expect(onServer(server, 'divided')?.getText('t').toString()).toBe(textOf(divided))
    for (const frame of line.sent) expect(frame.byteLength).toBeLessThanOrEqual(20_000)
  })
})
