import 'fake-indexeddb/auto'
import { closeCode, decodeAuthField, encodeServerMessage } from '@tidemark/shared'
import { describe, expect, test } from 'vitest'
import { listenTo, personAt, textOf, write } from '../test-helpers/person.ts'
import { hello, refusal } from '../test-helpers/server-words.ts'
import { startStockServer } from '../test-helpers/stock-server.ts'
import { until } from '../test-helpers/until.ts'
import { createWorld } from '../testing/index.ts'

describe('[T1] tokens', () => {
  test('many documents ask for one token, once', async () => {
    await using server = await startStockServer({ onAuthenticate: async () => {} })
    let asked = 0
    const { client } = personAt(server.url, { auth: async () => `token${++asked}` })
    await Promise.all(['a', 'b', 'c'].map((name) => client.open(name).whenSynced))
    expect(asked).toBe(1)
  })

  test.each(['token-expired', 'token-invalid', 'token-missing'] as const)(
    'one that the server does not accept (%s) is replaced once, without troubling anybody',
    async (reason) => {
      await using server = await startStockServer({
        onAuthenticate: async ({ token }) => {
          if (decodeAuthField(token)?.token !== 'new') throw refusal(reason)
        },
      })
      const tokens = ['old', 'new']
      const { client, log } = personAt(server.url, { auth: () => tokens.shift() ?? '' })
      const document = client.open('plan')
      const heard = listenTo(document)
      write(document, 'x')
      await document.flush()
      expect(heard.kinds).not.toContain('error')
      expect(heard.errors).toEqual([])
      expect(log).toMatchObject([{ code: reason, level: 'info', document: 'plan' }])
    },
  )

  test('[R5.4] one that runs out in a session, told by refusing a write or by ending the session, is replaced silently', async () => {
    await using server = await startStockServer({
      onAuthenticate: async () => {},
      connected: async ({ connection }) => connection?.sendStateless(encodeServerMessage(hello)),
    })
    let asked = 0
    const { client, log } = personAt(server.url, { auth: () => `token${++asked}` })
    const document = client.open('plan')
    await document.whenSynced
    const heard = listenTo(document)
    const expire = (ending: 'a refused write' | 'the session') => {
      const [connection] = server.server.hocuspocus.documents.get('plan')!.getConnections()
      connection!.sendStateless(encodeServerMessage({ tidemark: 'error', code: 'token-expired', message: '' }))
      if (ending === 'the session') connection!.close({ code: closeCode.tokenExpired, reason: 'token-expired' })
      else connection!.readOnly = true
    }
    for (const ending of ['a refused write', 'the session'] as const) {
      expire(ending)
      write(document, 'x')
      await document.flush()
    }
    expect(textOf(document)).toBe('xx')
    expect(asked).toBe(3)
    expect(heard.errors).toEqual([])
    expect(heard.kinds).not.toContain('error')
    expect(log.map(({ code, level }) => `${level} ${code}`)).toEqual(['info token-expired', 'info token-expired'])
  })

  test('when the next one is not accepted either it is an error for a person; signing in again and retrying heals it', async () => {
    let good = ''
    let asked = 0
    await using server = await startStockServer({
      onAuthenticate: async ({ token }) => {
        if (decodeAuthField(token)?.token !== good) throw refusal('token-invalid')
      },
    })
    const { client, log } = personAt(server.url, { auth: () => `token${++asked}` })
    const document = client.open('plan')
    const heard = listenTo(document)
    write(document, 'kept')
    await until('it is an error', () => document.status.kind === 'error')
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(asked).toBe(2)
    expect(document.status).toMatchObject({ error: { code: 'token-invalid' }, pendingCount: 1 })
    expect(heard.errors).toEqual(['token-invalid'])
    expect(log.map(({ level }) => level)).toEqual(['info', 'error'])
    good = 'token3'
    document.retry()
    await until('it is saved', () => document.status.kind === 'saved')
  })

  test.each(['its line breaks', 'its tab is frozen', 'its server stops'] as const)(
    '[R5.4] one that nobody has refused, because %s before the server answers, is replaced silently when it has run out',
    async (interruption) => {
      let good = 1
      const presented: string[] = []
      const world = createWorld({
        latency: 50,
        authorise: (token) => {
          presented.push(token)
          return token === `token${good}` ? 'write' : 'token-expired'
        },
      })
      const device = world.device('laptop')
      const tab = device.openTab()
      const document = tab.createClient({ auth: () => `token${good}` }).open('plan')
      await world.settle()
      expect(document.status.kind).toBe('saved')
      const heard = listenTo(document)
      good = 2
      world.server.dropSockets()
      while (!presented.includes('token2')) await world.advanceTime(5)
      if (interruption === 'its line breaks') device.cutConnections()
      else if (interruption === 'its tab is frozen') tab.freeze()
      else world.server.kill()
      good = 3
      await world.advanceTime(30_000)
      world.server.start()
      tab.resume()
      await world.advanceTime(60_000)
      expect(document.status.kind).toBe('saved')
      expect(heard.errors.filter((code) => code.startsWith('token'))).toEqual([])
      expect(presented.at(-1)).toBe('token3')
    },
  )

  test('the server asks for a fresh one in the middle of a session, and gets it', async () => {
    const presented: (string | undefined)[] = []
    await using server = await startStockServer({
      onAuthenticate: async () => {},
      onTokenSync: async ({ token }) => void presented.push(decodeAuthField(token)?.token),
    })
    let asked = 0
    const document = personAt(server.url, { auth: () => `token${++asked}` }).client.open('plan')
    await document.whenSynced
    const [connection] = server.server.hocuspocus.documents.get('plan')!.getConnections()
    connection!.requestToken()
    await until('it was presented', () => presented.length > 0)
    expect(presented).toEqual(['token2'])
    expect(document.status.kind).toBe('saved')
  })

  test('a provider that fails is an error, and is asked again until it works', async () => {
    await using server = await startStockServer({ onAuthenticate: async () => {} })
    let isDown = true
    const auth = async () => {
      if (isDown) throw new TypeError('fetch failed')
      return 'token'
    }
    const document = personAt(server.url, { auth }).client.open('plan')
    const heard = listenTo(document)
    await until('it is an error', () => document.status.kind === 'error')
    expect(heard.errors[0]).toBe('token-provider-failed')
    isDown = false
    await until('it is saved', () => document.status.kind === 'saved')
  })

  test('[T3] [R10] the token is in the authentication message, and nowhere else', async () => {
    await using server = await startStockServer({
      onAuthenticate: async () => {},
      connected: async ({ connection }) => connection?.sendStateless(encodeServerMessage(hello)),
    })
    const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0b20ifQ.very-secret-signature'
    const { client, line, log, namespace } = personAt(server.url, { auth: () => token })
    const document = client.open('plan')
    write(document, 'x')
    await document.flush()
    const { code, reason } = { code: closeCode.serviceRestart, reason: 'server-restarting' }
    for (const connection of server.server.hocuspocus.documents.get('plan')!.getConnections()) {
      connection.webSocket.close(code, reason)
    }
    await until('it is back', () => line.urls.length > 1 && document.status.kind === 'saved')
    const text = (bytes: Uint8Array) => String.fromCharCode(...bytes)
    expect(line.sent.filter((frame) => text(frame).includes('very-secret'))).toHaveLength(2)
    expect(line.urls.join()).not.toContain('secret')
    expect(JSON.stringify(log)).not.toContain('secret')
    await client.close()
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(`${namespace}:plan`)
      request.onsuccess = () => resolve(request.result)
    })
    for (const name of database.objectStoreNames) {
      const rows = await new Promise<unknown[]>((resolve) => {
        const request = database.transaction(name).objectStore(name).getAll()
        request.onsuccess = () => resolve(request.result)
      })
      expect(rows.length).toBeGreaterThan(0)
      const stored = rows.map((row) => (row instanceof Uint8Array ? text(row) : JSON.stringify(row))).join()
      expect(stored).not.toContain('secret')
    }
    database.close()
  })
})
