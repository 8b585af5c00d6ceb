import 'fake-indexeddb/auto'
import { closeCode, decodeAuthField, encodeServerMessage, messageType, type ServerMessage } from '@tidemark/shared'
import { describe, expect, test } from 'vitest'
import { listenTo, personAt, textOf, write } from '../test-helpers/person.ts'
import { hello, refusal } from '../test-helpers/server-words.ts'
import { type StockServer, startStockServer } from '../test-helpers/stock-server.ts'
import { until } from '../test-helpers/until.ts'

function serverText(server: StockServer, name: string): string | undefined {
  return server.server.hocuspocus.documents.get(name)?.getText('t').toString()
}

describe('[V1] [R9] hello', () => {
  test('what the server says of its history is kept, and said to it the next time', async () => {
    const fields: string[] = []
    await using server = await startStockServer({
      onAuthenticate: async ({ token }) => void fields.push(token),
      connected: async ({ connection }) => connection?.sendStateless(encodeServerMessage(hello)),
    })
    const first = personAt(server.url, { auth: () => 'secret' })
    const document = first.client.open('plan')
    await document.whenSynced
    await until('the level is known', () => document.level === 'write')
    await first.client.close()
    const second = personAt(server.url, { auth: () => 'secret', namespace: first.namespace })
    await second.client.open('plan').whenSynced
    const said = fields.map(decodeAuthField)
    expect(said[0]).toMatchObject({ protocol: 1, token: 'secret' })
    expect(said[0]).not.toHaveProperty('epoch')
    expect(said[1]).toMatchObject({ protocol: 1, token: 'secret', epoch: 'e1' })
  })

  test.each(['at authentication', 'by its hello'])(
    '[B2] [R9.4] [R9.5] a history that the server does not share, told %s, is not mixed in: the copy is set aside with its edits, nothing of it is sent, and the document begins anew',
    async (when) => {
      let epoch = 'e1'
      await using server = await startStockServer({
        onAuthenticate: async ({ token }) => {
          const said = decodeAuthField(token)?.epoch
          if (when === 'at authentication' && said !== undefined && said !== epoch) throw refusal('epoch-mismatch')
        },
        connected: async ({ connection }) => connection?.sendStateless(encodeServerMessage({ ...hello, epoch })),
      })
      const first = personAt(server.url)
      const document = first.client.open('plan')
      write(document, 'old')
      await document.flush()
      await until('the level is known', () => document.level !== null)
      await first.client.close()
      await until('the server has let go', () => server.server.hocuspocus.documents.size === 0)

      epoch = 'e2'
      const second = personAt(server.url, { namespace: first.namespace })
      const again = second.client.open('plan')
      const heard = listenTo(again)
      await again.whenLoaded
      write(again, ' and new')
      await until('it is an error', () => again.status.kind === 'error')
      expect(again.status).toMatchObject({ error: { code: 'epoch-mismatch' }, pendingCount: 1 })
      expect(heard.errors).toEqual(['epoch-mismatch'])
      expect(textOf(again)).toBe('old and new')
      await expect(again.flush()).rejects.toMatchObject({ code: 'epoch-mismatch' })
      if (when === 'at authentication') expect(second.line.sentKinds()).not.toContain('sync-reply')

      // set aside: still there, still pending, and not what the document is now
      await until('it is set aside', () => again.isSetAside)
      expect(heard.setAside).toEqual(['epoch-mismatch'])
      const anew = second.client.open('plan')
      expect(anew).not.toBe(again)
      await anew.whenSynced
      expect(textOf(anew)).toBe('')
      write(anew, 'fresh')
      write(again, ', and newer')
      await anew.flush()
      expect(serverText(server, 'plan')).toBe('fresh')
      await second.client.close()

      const third = personAt('ws://127.0.0.1:1/', { namespace: first.namespace })
      const reopened = third.client.open('plan')
      await reopened.whenLoaded
      expect(textOf(reopened)).toBe('fresh')
      const copies = await third.client.setAsideCopies()
      expect(copies).toMatchObject([{ document: 'plan', reason: 'epoch-mismatch', pendingCount: 2 }])
      const copy = await third.client.readSetAside(copies[0]!.id)
      expect(copy.getText('t').toString()).toBe('old and new, and newer')
      // only on purpose
      await third.client.dropSetAside(copies[0]!.id)
      expect(await third.client.setAsideCopies()).toEqual([])
      expect(textOf(reopened)).toBe('fresh')
    },
  )
})

describe('whether the line is alive', () => {
  const heartbeat = { interval: 20, misses: 100 }
  const isPing = (frame: Uint8Array) => frame.byteLength === 1 && frame[0] === messageType.ping

  test('a server that has said hello is pinged, and has no write to count for that', async () => {
    await using server = await startStockServer({
      connected: async ({ connection }) => connection?.sendStateless(encodeServerMessage(hello)),
    })
    const { client, line } = personAt(server.url, { heartbeat })
    line.answersPings = true
    const document = client.open('plan')
    document.awareness.setLocalState(null)
    await until('the level is known', () => document.level !== null)
    await document.whenSynced
    const before = line.sent.length
    await until('it was pinged', () => line.sent.filter(isPing).length >= 3)
    expect(line.sent.slice(before).filter((frame) => !isPing(frame))).toEqual([])
  })

  test('a foreign server is asked in words that it knows', async () => {
    await using server = await startStockServer()
    const { client, line } = personAt(server.url, { heartbeat })
    await client.open('plan').whenSynced
    const before = line.sent.length
    await until('it was asked', () => line.sent.length > before)
    expect(line.sent.filter(isPing)).toEqual([])
  })
})

describe('rights', () => {
  test('that change in a session are told by the status, so that what shows them is drawn anew', async () => {
    await using server = await startStockServer({
      connected: async ({ connection }) => connection?.sendStateless(encodeServerMessage(hello)),
    })
    const document = personAt(server.url).client.open('plan')
    expect(document.status.level).toBeNull()
    await until('it is saved', () => document.status.kind === 'saved' && document.level === 'write')
    const levels: unknown[] = []
    document.on('status', ({ level }) => levels.push([level, document.level]))
    const [connection] = server.server.hocuspocus.documents.get('plan')!.getConnections()
    for (const level of ['write', 'read', 'admin'] as const) {
      connection!.sendStateless(encodeServerMessage({ ...hello, level }))
    }
    await until('it was told', () => document.level === 'admin')
    expect(levels).toEqual([
      ['read', 'read'],
      ['admin', 'admin'],
    ])
  })
})

describe('[R5.4] refusals', () => {
  test('[H4] a reader sees that edits are not saved, once, and keeps them; with new rights they are sent', async () => {
    let readOnly = true
    await using server = await startStockServer({
      onAuthenticate: async ({ connectionConfig }) => {
        connectionConfig.readOnly = readOnly
      },
    })
    const { client, log } = personAt(server.url)
    const document = client.open('plan')
    const heard = listenTo(document)
    await document.whenSynced
    expect(document.status.kind).toBe('saved')
    write(document, 'a')
    await until('it is an error', () => document.status.kind === 'error')
    write(document, 'b')
    write(document, 'c')
    expect(document.status).toMatchObject({ kind: 'error', error: { code: 'read-only' }, pendingCount: 3 })
    await expect(document.flush()).rejects.toMatchObject({ code: 'read-only' })
    expect(heard.errors).toEqual(['read-only'])
    expect(log).toMatchObject([{ code: 'read-only', document: 'plan', level: 'error' }])
    expect(heard.drained).toBe(0)

    readOnly = false
    document.retry()
    await until('it is saved', () => document.status.kind === 'saved')
    expect(heard.drained).toBe(1)
    expect(server.server.hocuspocus.documents.get('plan')?.getText('t').toString()).toBe('abc')
  })

  test('no access is an error that a person must settle: it is not tried again by itself', async () => {
    let attempts = 0
    await using server = await startStockServer({
      onAuthenticate: async () => {
        attempts++
        throw refusal('permission-denied')
      },
    })
    const { client, log } = personAt(server.url)
    const document = client.open('plan')
    await until('it is an error', () => document.status.kind === 'error')
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(attempts).toBe(1)
    expect(log).toMatchObject([{ code: 'permission-denied', document: 'plan' }])
  })

  test('a server that will not talk to this page is an error, not only offline, until a person has it tried again', async () => {
    await using server = await startStockServer()
    const { client, line } = personAt(server.url)
    const document = client.open('plan')
    await document.whenSynced
    const [connection] = server.server.hocuspocus.documents.get('plan')!.getConnections()
    connection!.webSocket.close(closeCode.forbidden, 'protocol-unsupported')
    await until('it is an error', () => document.status.kind === 'error')
    write(document, 'x')
    expect(document.status).toMatchObject({ error: { code: 'protocol-unsupported' }, status: 'disconnected' })
    await expect(document.flush()).rejects.toMatchObject({ code: 'protocol-unsupported' })
    expect(line.urls).toHaveLength(1)
    document.retry()
    await until('it is saved', () => document.status.kind === 'saved')
    expect(document.pendingCount).toBe(0)
  })

  test('[R6] one document that is refused does not stop the others', async () => {
    await using server = await startStockServer({
      onAuthenticate: async ({ documentName }) => {
        if (documentName === 'bad') throw refusal('permission-denied')
      },
    })
    const { client } = personAt(server.url)
    const bad = client.open('bad')
    const good = client.open('good')
    write(good, 'x')
    await good.flush()
    expect(good.status.kind).toBe('saved')
    expect(bad.status.kind).toBe('error')
  })
})

describe('[R5.5] the database is away', () => {
  test('at authentication: it is shown, tried again, and over by itself', async () => {
    let isAway = true
    await using server = await startStockServer({
      onAuthenticate: async () => {
        if (isAway) throw refusal('storage-unavailable')
      },
    })
    const document = personAt(server.url).client.open('plan')
    const heard = listenTo(document)
    write(document, 'x')
    await until('it is shown', () => document.status.kind === 'error')
    isAway = false
    await until('it is saved', () => document.status.kind === 'saved')
    expect(heard.drained).toBe(1)
    expect(new Set(heard.errors)).toEqual(new Set(['storage-unavailable']))
  })

  test('in a session: it is shown until the server says that it is over', async () => {
    await using server = await startStockServer()
    const document = personAt(server.url).client.open('plan')
    await document.whenSynced
    const [connection] = server.server.hocuspocus.documents.get('plan')!.getConnections()
    const error: ServerMessage = { tidemark: 'error', code: 'storage-unavailable', message: '' }
    connection!.sendStateless(encodeServerMessage(error))
    await until('it is shown', () => document.status.kind === 'error')
    connection!.sendStateless(encodeServerMessage({ tidemark: 'recovered', code: 'storage-unavailable' }))
    await until('it is over', () => document.status.kind === 'saved')
  })
})
