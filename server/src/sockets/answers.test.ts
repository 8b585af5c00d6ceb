import { messageType } from '@tidemark/shared'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { until } from '../../../test/helpers/until.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { makeDocuments } from '../documents/testing.ts'
import { Answers } from './answers.ts'
import { readClaims } from './claims.ts'
import { Session } from './session.ts'
import { openTransport } from './testing.ts'

let database: Database

beforeAll(async () => {
  database = await openDatabase({ databaseUrl: await freshDatabase() }, () => {})
})

afterAll(async () => database.close())

test('[R1.9] a document that Yjs broke in its clean-up is not acknowledged any more, and is given up', async () => {
  const world = makeDocuments(database)
  const connection = await world.hocuspocus.openDirectConnection('plan')
  const document = connection.document as Y.Doc
  const sent: Uint8Array[] = []
  const broken: string[] = []
  const answers = new Answers({
    transport: openTransport({ send: (frame) => sent.push(frame) }),
    documents: world.documents,
    isCurrent: () => true,
    report: () => {},
    broken: (name) => broken.push(name),
    waits: () => {},
  })
  const session = new Session('plan', 'plan', 0)
  const writer = new Y.Doc()
  /** As Hocuspocus does: applies what Yjs takes, swallows what it throws, writes a SyncStatus. */
  const write = async (text: string): Promise<boolean> => {
    writer.getText('text').insert(0, text)
    const update = Y.encodeStateAsUpdate(writer)
    session.writes.push({ kind: 'passed', update, claims: readClaims(update) })
    try {
      Y.applyUpdate(document, update)
    } catch {}
    const isHeld = answers.hold(session, { isSaved: true, frame: Uint8Array.of(messageType.syncStatus) })
    await world.journal.drain()
    return isHeld
  }

  expect(await write('good')).toBe(true)
  expect(sent).toHaveLength(1)
  document.once('afterTransactionCleanup', () => {
    throw new RangeError('Maximum call stack size exceeded')
  })
  await write('bad')
  await write('behind it')
  expect(sent, 'no ack of what is not in the journal').toHaveLength(1)
  expect(new Set(broken)).toEqual(new Set(['plan']))
  await world.hocuspocus.discard(connection.document as never)
})

test('[R1.10] while an update is applied in turns, answers wait for it, in their order', async () => {
  const world = makeDocuments(database)
  const connection = await world.hocuspocus.openDirectConnection('applied in turns')
  const document = connection.document as Y.Doc
  const open = world.documents.get('applied in turns')
  if (!open) throw new Error('it is open')
  const sent: Uint8Array[] = []
  const answers = new Answers({
    transport: openTransport({ send: (frame) => sent.push(frame) }),
    documents: world.documents,
    isCurrent: () => true,
    report: () => {},
    broken: () => {},
    waits: () => {},
  })
  const session = new Session('applied in turns', 'applied in turns', 0)
  const writer = new Y.Doc()
  let number = 0
  const write = () => {
    writer.getText('text').insert(0, 'x')
    const update = Y.encodeStateAsUpdate(writer)
    session.writes.push({ kind: 'passed', update, claims: readClaims(update) })
    Y.applyUpdate(document, update)
    answers.hold(session, { isSaved: true, frame: Uint8Array.of(messageType.syncStatus, number++) })
  }
  let finish = () => {}
  open.applying = new Promise<void>((resolve) => {
    finish = resolve
  })
  write()
  write()
  await world.journal.drain()
  expect(sent, 'of what is not in the journal yet').toHaveLength(0)
  open.applying = null
  // the first two still wait: it must not overtake them
  write()
  finish()
  await world.journal.drain()
  await until('all are answered', () => sent.length === 3)
  expect(sent.map((frame) => frame[1])).toEqual([0, 1, 2])
  await world.hocuspocus.discard(connection.document as never)
})
