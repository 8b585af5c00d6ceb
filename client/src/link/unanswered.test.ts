import 'fake-indexeddb/auto'
import { type Clock, systemClock } from '@tidemark/shared'
import { expect, test } from 'vitest'
import { listenTo, personAt, textOf, write } from '../test-helpers/person.ts'
import { startStockServer } from '../test-helpers/stock-server.ts'
import { until } from '../test-helpers/until.ts'
import { addressOf, isPing } from './frames.ts'

/** A hundred times as fast. */
const fast: Clock = {
  ...systemClock,
  now: () => systemClock.now() * 100,
  after: (delay, callback) => systemClock.after(delay / 100, callback),
}

async function serverThatIsStuck() {
  const gate = Promise.withResolvers<void>()
  const loads: string[] = []
  const server = await startStockServer({
    onLoadDocument: async ({ documentName }) => {
      loads.push(documentName)
      if (documentName === 'stuck') await gate.promise
    },
  })
  return { server, loads, heal: () => gate.resolve(), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

test('[R5.7] a handshake that is never answered is told and tried again; others go on; and it heals by itself', async () => {
  await using stuck = await serverThatIsStuck()
  const { client, log, line } = personAt(stuck.server.url, { clock: fast })
  const [document, other] = [client.open('stuck'), client.open('other')]
  const heard = listenTo(document)
  write(document, 'kept')
  await until('it is told', () => document.status.kind === 'error')
  expect(document.status).toMatchObject({ error: { code: 'session-unanswered' }, pendingCount: 1 })
  expect(heard.errors[0]).toBe('session-unanswered')
  write(other, 'goes on')
  await until('the other is saved', () => other.status.kind === 'saved' && other.pendingCount === 0)
  await until('it was tried more than once', () => heard.errors.length >= 3)
  expect(document.status.attention?.kind ?? 'none').toMatch(/none|sync-failing/)
  expect(log.filter(({ code }) => code === 'session-unanswered').length).toBeGreaterThanOrEqual(3)
  expect(line.urls.length).toBeGreaterThanOrEqual(1)
  stuck.heal()
  await until('it is saved', () => document.status.kind === 'saved')
  expect(stuck.server.server.hocuspocus.documents.get('stuck')?.getText('t').toString()).toBe(textOf(document))
  expect(heard.drained).toBe(1)
})

test('[R5.7] trying again begins a new session at once', async () => {
  await using stuck = await serverThatIsStuck()
  const { client, line } = personAt(stuck.server.url)
  const document = client.open('stuck')
  const sessions = () => new Set(line.sent.filter((frame) => !isPing(frame)).map(addressOf)).size
  await until('a session has begun', () => sessions() === 1)
  document.retry()
  await until('another has begun', () => sessions() >= 2, 2_000)
  stuck.heal()
  await document.whenSynced
})

test('[R5.7] when nothing at all is answered on the connection, another connection is tried', async () => {
  await using stuck = await serverThatIsStuck()
  const { client, line } = personAt(stuck.server.url, { clock: fast })
  client.open('stuck')
  await until('another connection was made', () => line.urls.length >= 2)
})

test('[R5.7] a write that is never answered is sent again, by a new session', async () => {
  await using server = await startStockServer()
  const { client, line } = personAt(server.url, { clock: fast })
  const document = client.open('plan')
  await document.whenSynced
  const heard = listenTo(document)
  line.holds = ({ kind }) => kind === 'sync-status'
  write(document, 'kept')
  await until('it is told', () => heard.errors.includes('session-unanswered'))
  line.release()
  await until('it is saved', () => document.status.kind === 'saved' && document.pendingCount === 0)
  expect(server.server.hocuspocus.documents.get('plan')?.getText('t').toString()).toBe('kept')
})
