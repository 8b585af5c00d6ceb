import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { secret, token } from '../../../test/helpers/tokens.ts'
import { pause, until } from '../../../test/helpers/until.ts'
import { Writer } from '../../../test/helpers/writer.ts'
import { LocalServer } from './testing.ts'

let server: LocalServer
beforeAll(async () => {
  server = await LocalServer.start(await freshDatabase(), {
    TIDEMARK_AUTH_SECRET: secret,
    TIDEMARK_LIMIT_MESSAGES_PER_SECOND: '400',
    TIDEMARK_LIMIT_SOCKETS_PER_USER: '3',
    TIDEMARK_LIMIT_SOCKETS_PER_ADDRESS: '6',
    TIDEMARK_TRUSTED_PROXIES: '127.0.0.1',
  })
})
afterAll(async () => server?.[Symbol.asyncDispose]())

/** So many edits of a line, as a stock client would send them. */
function edits(count: number): Uint8Array[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (let index = 0; index < count; index++) doc.getText('text').insert(0, 'x'.repeat(100))
  return updates
}

test('[R6.22] a user who floods waits by themselves: nobody is closed, nothing is lost, others are answered at once', async () => {
  const asAda = await token({ subject: 'ada' })
  using ada = new Writer({ url: server.sync, document: 'calm', token: asAda })
  await ada.synced()
  using eve = await RawClient.open(server.sync, 'flood', await token({ subject: 'eve' }))
  const began = performance.now()
  for (const update of edits(6_000)) eve.update('flood', update)
  const acks = () => eve.said.filter((said) => said.kind === 'status' && said.saved).length
  await until('she is held up', () => acks() > 3_000)
  let worst = 0
  for (let time = 0; time < 10; time++) {
    const start = performance.now()
    ada.write()
    await ada.drained()
    worst = Math.max(worst, performance.now() - start)
  }
  expect(worst).toBeLessThan(1_000)
  await until('all of hers is saved', () => acks() === 6_000, { timeout: 15_000 })
  // 4,000 at once, and 400 a second, but for what one packet holds
  expect(performance.now() - began).toBeGreaterThan(3_000)
  expect(eve.close).toBeNull()
})

test('[R6.22] a user has so many sockets, an address, too; behind a proxy each client has its own', async () => {
  const asBen = await token({ subject: 'ben' })
  const from = (address: string) => new RawClient(server.sync, { headers: { 'X-Forwarded-For': address } })
  const clients: RawClient[] = []
  try {
    for (let index = 0; index < 4; index++) {
      const client = await from('198.51.100.1').connected()
      clients.push(client)
      client.authenticate('plan', asBen)
      await until('he is answered', () => client.has('authenticated') || client.close)
    }
    // a stock client tries again later
    expect(clients.map(({ close }) => close)).toEqual([
      null,
      null,
      null,
      { code: 1013, reason: 'too-many-connections' },
    ])
    for (let index = 0; index < 3; index++) clients.push(await from('198.51.100.1').connected())
    const refused = from('198.51.100.1')
    clients.push(refused)
    await until('one more is refused', () => refused.refused)
    expect(refused.refused).toBe(503)
    clients.push(await from('198.51.100.2').connected())
  } finally {
    for (const client of clients) client[Symbol.dispose]()
  }
  await pause(100)
  using again = await from('198.51.100.1').connected()
  again.authenticate('plan', asBen)
  await until('he is let in again', () => again.has('authenticated'))
})
