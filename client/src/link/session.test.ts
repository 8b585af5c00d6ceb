import 'fake-indexeddb/auto'
import { describe, expect, test } from 'vitest'
import { listenTo, personAt, textOf, write } from '../test-helpers/person.ts'
import { type StockServer, startStockServer } from '../test-helpers/stock-server.ts'
import { until } from '../test-helpers/until.ts'

function serverText(server: StockServer, name = 'plan'): string | undefined {
  return server.server.hocuspocus.documents.get(name)?.getText('t').toString()
}

describe('[R4.1] [H3] drained is exact on a real wire', () => {
  test('[R4.3] an ack that was on its way when the line broke is not counted on the next session', async () => {
    await using server = await startStockServer()
    const { client, line } = personAt(server.url)
    const document = client.open('plan')
    const heard = listenTo(document)
    await document.whenSynced
    line.holds = ({ kind }) => kind === 'sync-status'
    write(document, 'a')
    write(document, 'b')
    await until('both acks are on their way', () => line.heldCount >= 2)
    line.cut()
    line.holds = ({ kind }) => kind === 'sync-status'
    // the new session's handshake is acknowledged, but the ack is held: nothing may be called saved yet
    await until('the new handshake is answered', () => line.heldCount >= 1)
    expect(document.pendingCount).toBe(2)
    expect(heard.drained).toBe(0)
    expect(document.synced).toBe(false)
    line.release()
    await until('it is saved', () => document.status.kind === 'saved')
    expect(heard.drained).toBe(1)
    expect(serverText(server)).toBe('ab')
  })

  test('edits made before loading, between open and authentication, and in the handshake drain once, and none is lost', async () => {
    const { promise: mayAuthenticate, resolve: authenticate } = Promise.withResolvers<void>()
    await using server = await startStockServer({ onAuthenticate: () => mayAuthenticate })
    const { client, line } = personAt(server.url)
    const document = client.open('plan')
    const heard = listenTo(document)
    write(document, '1')
    await document.whenLoaded
    write(document, '2')
    await until('it is connected', () => document.connectionStatus === 'connected')
    write(document, '3')
    line.holds = ({ kind }) => kind === 'sync-request'
    authenticate()
    await until('the server asks for what it lacks', () => line.heldCount > 0)
    write(document, '4')
    // nothing that could be acknowledged before the handshake
    expect(line.sentKinds()).not.toContain('update')
    line.release()
    write(document, '5')
    await document.flush()
    expect(heard.pending).toEqual([1, 2, 3, 4, 5])
    expect(heard.drained).toBe(1)
    expect(serverText(server)).toBe('12345')
  })

  test('a line that breaks again and again loses nothing and drains once', async () => {
    await using server = await startStockServer()
    const { client, line } = personAt(server.url)
    const document = client.open('plan')
    const heard = listenTo(document)
    line.holds = ({ kind }) => kind === 'sync-status'
    for (let index = 0; index < 10; index++) {
      write(document, String(index))
      await new Promise((resolve) => setTimeout(resolve, index * 3))
      line.cut()
    }
    expect(heard.drained).toBe(0)
    line.release()
    await until('it is saved', () => document.status.kind === 'saved')
    expect(heard.drained).toBe(1)
    expect(serverText(server)).toBe('0123456789')
  })

  test('opening stored content sends no update, and nothing is pending', async () => {
    await using server = await startStockServer()
    const first = personAt(server.url)
    const document = first.client.open('plan')
    write(document, 'kept')
    await document.flush()
    await first.client.close()

    const second = personAt(server.url, { namespace: first.namespace })
    const again = second.client.open('plan')
    const heard = listenTo(again)
    await again.whenSynced
    expect(textOf(again)).toBe('kept')
    expect(heard).toMatchObject({ pending: [], drained: 0 })
    expect(second.line.sentKinds()).not.toContain('update')
  })
})

describe('[H8] bursts travel as one message', () => {
  test('the edits of a window are one update, and all of them are acknowledged by its ack', async () => {
    await using server = await startStockServer()
    const { client, line } = personAt(server.url, { sendWindow: 30 })
    const document = client.open('plan')
    const heard = listenTo(document)
    await document.whenSynced
    for (const letter of 'abcdef') write(document, letter)
    expect(heard.pending).toEqual([1, 2, 3, 4, 5, 6])
    await until('it is saved', () => document.status.kind === 'saved')
    expect(line.sentKinds().filter((kind) => kind === 'update')).toHaveLength(1)
    expect(heard.drained).toBe(1)
    expect(serverText(server)).toBe('abcdef')
  })

  test('flush does not wait for the window', async () => {
    await using server = await startStockServer()
    const { client } = personAt(server.url, { sendWindow: 500 })
    const document = client.open('plan')
    await document.whenSynced
    write(document, 'now')
    const start = Date.now()
    await document.flush()
    expect(Date.now() - start).toBeLessThan(400)
  })
})

describe('[C4] [C5] people in one document', () => {
  test('one socket carries all documents of a client, and they do not mix', async () => {
    await using server = await startStockServer()
    const { client, line } = personAt(server.url)
    const names = ['a', 'b', 'team/c']
    const documents = names.map((name) => client.open(name))
    for (const document of documents) write(document, document.name)
    await client.flush()
    expect(line.urls).toHaveLength(1)
    for (const name of names) expect(serverText(server, name)).toBe(name)
    // one leaves: the others go on
    await documents[0]!.close()
    write(documents[1]!, '!')
    await documents[1]!.flush()
    expect(line.urls).toHaveLength(1)
  })

  test('concurrent writing, also while one of them is offline, ends with the same text everywhere', async () => {
    await using server = await startStockServer()
    const anna = personAt(server.url)
    const bert = personAt(server.url)
    const hers = anna.client.open('plan')
    const his = bert.client.open('plan')
    await Promise.all([hers.whenSynced, his.whenSynced])
    his.disconnect()
    await until('he is offline', () => his.status.kind === 'offline')
    for (let index = 0; index < 20; index++) {
      write(hers, 'h')
      write(his, 'b')
    }
    expect(his.pendingCount).toBe(20)
    his.connect()
    await Promise.all([hers.flush(), his.flush()])
    await until('both have the same', () => textOf(hers) === textOf(his) && textOf(hers).length === 40)
  })

  test('presence is seen, goes with the line, and is back at once after the line broke', async () => {
    await using server = await startStockServer()
    const anna = personAt(server.url)
    const bert = personAt(server.url)
    const hers = anna.client.open('plan')
    const his = bert.client.open('plan')
    hers.awareness.setLocalStateField('user', { name: 'Anna' })
    const seen = () => his.awareness.getStates().get(hers.doc.clientID)?.user
    await until('he sees her', () => seen()?.name === 'Anna')
    anna.line.isDown = true
    anna.line.cut()
    await until('he sees her gone', () => seen() === undefined)
    anna.line.isDown = false
    await until('he sees her again', () => seen()?.name === 'Anna', 2_000)
  })

  test('who closes a document is gone from it at once', async () => {
    await using server = await startStockServer()
    const hers = personAt(server.url).client.open('plan')
    const his = personAt(server.url).client.open('plan')
    const seen = () => his.awareness.getStates().has(hers.doc.clientID)
    await until('he sees her', seen)
    await hers.close()
    await until('he sees her gone', () => !seen())
  })
})
