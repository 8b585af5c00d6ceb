import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase, query } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { secret, token } from '../../../test/helpers/tokens.ts'
import { until } from '../../../test/helpers/until.ts'
import { Gate } from './gate.ts'
import { LocalServer } from './testing.ts'

let databaseUrl: string
let server: LocalServer

beforeAll(async () => {
  databaseUrl = await freshDatabase()
  server = await LocalServer.start(databaseUrl, { TIDEMARK_AUTH_SECRET: secret })
})
afterAll(() => server[Symbol.asyncDispose]())

const content = (text: string): Uint8Array => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

const asBen = () => token({ subject: 'ben' })

async function textIn(document: string): Promise<string> {
  using reader = await RawClient.open(server.sync, document, await asBen())
  reader.sync(document, 0, Y.encodeStateVector(new Y.Doc()))
  const answer = await until('it is answered', () =>
    reader.said.find((said): said is Extract<typeof said, { kind: 'sync' }> => said.kind === 'sync' && said.type === 1),
  )
  const doc = new Y.Doc()
  Y.applyUpdate(doc, answer.payload)
  return doc.getText('t').toString()
}

test('[S8] who is revoked while their document is being opened hears nothing of it, and what they sent is not taken', async () => {
  {
    // elsewhere, so that it is not in memory here
    await using other = await LocalServer.start(databaseUrl, { TIDEMARK_AUTH_SECRET: secret })
    using ben = await RawClient.open(other.sync, 'slow', await asBen())
    ben.update('slow', content('secret'))
    await until('it is stored', () => ben.said.some((said) => said.kind === 'status' && said.saved))
  }
  const database = new pg.Client(databaseUrl)
  await database.connect()
  using ada = await new RawClient(server.sync).connected()
  try {
    const isWaiting = async () =>
      (
        await query(
          databaseUrl,
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        )
      ).length > 0
    await database.query('begin; lock table tidemark_store.updates, tidemark_store.snapshots in access exclusive mode')
    ada.authenticate('slow', await token({ subject: 'ada' }))
    ada.update('slow', content('too late'))
    ada.sync('slow', 0, Y.encodeStateVector(new Y.Doc()))
    await until('it is being opened', isWaiting)
    await server.revocations.revoke({ userId: 'ada' })
  } finally {
    await database.query('commit')
    await database.end()
  }
  await until('she is told', () => ada.reasons.includes('token-revoked'))
  expect(await textIn('slow')).toBe('secret')
  expect(ada.said.filter(({ kind }) => kind === 'sync' || kind === 'status')).toEqual([])
})

test('[S8] [R6.34] what is being looked through when its writer is revoked is neither applied nor acknowledged', async () => {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (let index = 0; index < 150_000; index++) doc.getMap('rows').set(`row ${index}`, index)
    doc.getText('t').insert(0, 'too late')
  })
  const update = Y.encodeStateAsUpdate(doc)
  // it stays in memory
  using ben = await RawClient.open(server.sync, 'large', await asBen())
  using eve = await RawClient.open(server.sync, 'large', await token({ subject: 'eve' }))
  const handling = vi.spyOn(Gate.prototype, 'beforeHandling')
  const begun = () => handling.mock.calls.some(([, frame]) => frame.byteLength > update.byteLength)
  eve.update('large', update)
  eve.sync('large', 0, Y.encodeStateVector(new Y.Doc()))
  await until('it is looked through', begun)
  await server.revocations.revoke({ userId: 'eve' })
  await until('she is told', () => eve.reasons.includes('token-revoked'))
  const rows = () => query(databaseUrl, `select 1 from tidemark_store.updates where octet_length(bytes) > 1000000`)
  await setTimeout(1_000)
  expect(await textIn('large')).toBe('')
  expect(await rows()).toEqual([])
  expect(eve.said.filter((said) => said.kind === 'status')).toEqual([])
  ben.update('large', content('goes on'))
  await until('others go on', () => ben.said.some((said) => said.kind === 'status' && said.saved))
  expect(await textIn('large')).toBe('goes on')
})
