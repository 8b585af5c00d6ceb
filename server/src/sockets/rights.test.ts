import { systemClock } from '@tidemark/shared'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { secret, token } from '../../../test/helpers/tokens.ts'
import { until } from '../../../test/helpers/until.ts'
import { statelessFrame } from './frames.ts'
import { HeaderReader } from './header-reader.ts'
import { Rights } from './rights.ts'
import { Session } from './session.ts'
import { LocalServer } from './testing.ts'

let server: LocalServer

/** How far the server's clock has been set forward, in ms; its timers do not know. */
let ahead = 0

beforeAll(async () => {
  vi.spyOn(systemClock, 'now').mockImplementation(() => Date.now() + ahead)
  server = await LocalServer.start(await freshDatabase(), { TIDEMARK_AUTH_SECRET: secret })
})

afterAll(() => server[Symbol.asyncDispose]())

const edit = (text: string): Uint8Array => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

test('[S4] whose token has run out reads nothing more: no edit, no presence, no answer', async () => {
  using reader = await RawClient.open(server.sync, 'plan', await token({ subject: 'ada', expiresIn: 2 }))
  const expiry = Math.floor(Date.now() / 1000) * 1000 + 2_000
  using writer = await RawClient.open(server.sync, 'plan', await token({ subject: 'ben' }))
  const received = () => reader.said.filter(({ kind }) => kind === 'sync' || kind === 'other').length
  writer.update('plan', edit('before'))
  await until('it is read', () => received() > 0)
  for (let clock = 1; Date.now() < expiry + 1_500; clock++) {
    if (Date.now() > expiry) reader.sync('plan', 0, Y.encodeStateVector(new Y.Doc()))
    const before = received()
    const isOver = Date.now() > expiry + 20
    writer.update('plan', edit(`${clock}`))
    writer.presence('plan', [{ client: 7, clock, state: { clock } }])
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (isOver) expect(received()).toBe(before)
  }
  expect(reader.close).toMatchObject({ code: 4201, reason: 'token-expired' })
})

test('[S4] a timer that is late lets nobody read or write: each message in either direction looks at the clock', async () => {
  const brief = (subject: string) => token({ subject, expiresIn: 600 })
  using reader = await RawClient.open(server.sync, 'late', await brief('ada'))
  using writer = await RawClient.open(server.sync, 'late', await brief('ben'))
  using other = await RawClient.open(server.sync, 'late', await token({ subject: 'cleo', expiresIn: 86_400 }))
  const updates = (client: RawClient) => client.said.filter((said) => said.kind === 'sync' && said.type === 2).length
  writer.update('late', edit('in time'))
  await until('all have it', () => updates(reader) === 1 && updates(other) === 1)
  ahead = 3_600_000
  try {
    writer.update('late', edit('too late'))
    await until('the writer is told', () => writer.reasons.includes('token-expired'))
    other.update('late', edit('for nobody'))
    await until('the reader is told', () => reader.reasons.includes('token-expired'))
    await until('it is stored', () => other.said.some((said) => said.kind === 'status' && said.saved))
  } finally {
    ahead = 0
  }
  expect([updates(reader), updates(other)]).toEqual([1, 1])
  expect(writer.said.filter(({ kind }) => kind === 'status')).toHaveLength(1)
})

const transport = { send: () => {}, close: () => {} }

function sessions(...expiries: (number | null)[]) {
  const map = new Map<string, Session>()
  for (const [index, expiresAt] of expiries.entries()) {
    const session = new Session(`document-${index}`, `document-${index}`, 0)
    session.access = { userId: 'ada', userName: null, tokenId: null, level: 'write', expiresAt }
    map.set(session.address, session)
  }
  return map
}

test('[S4] [S6] a right that has run out is noticed with the next message, whatever timers do; the others stay', () => {
  const now = systemClock.now()
  let time = now
  const map = sessions(now + 1_000, now + 2_000, null)
  const ended: string[] = []
  const rights = new Rights({
    sessions: map,
    headers: new HeaderReader(),
    transport,
    now: () => time,
    report: ({ documentName }, { code }) => ended.push(`${documentName} ${code}`),
  })
  const withheld = () =>
    [...map.keys()].map((address) =>
      rights.withholds(statelessFrame(address, { tidemark: 'recovered', code: 'storage-unavailable' })),
    )
  rights.changed()
  rights.look()
  expect(withheld()).toEqual([false, false, false])
  time = now + 1_000
  rights.look()
  expect(ended).toEqual(['document-0 token-expired'])
  expect(withheld()).toEqual([true, false, false])
  time = now + 5_000
  rights.look()
  rights.look()
  expect(ended).toEqual(['document-0 token-expired', 'document-1 token-expired'])
  expect(withheld()).toEqual([true, true, false])
})

test('[S6] a fresh token prolongs it', () => {
  const map = sessions(1_000)
  let time = 0
  const ended: unknown[] = []
  const rights = new Rights({
    sessions: map,
    headers: new HeaderReader(),
    transport,
    now: () => time,
    report: (session) => ended.push(session),
  })
  rights.changed()
  const [session] = map.values()
  session!.access = { ...session!.access!, expiresAt: 9_000 }
  rights.changed()
  time = 8_999
  rights.look()
  expect(ended).toEqual([])
  time = 9_000
  rights.look()
  expect(ended).toEqual([session])
})
