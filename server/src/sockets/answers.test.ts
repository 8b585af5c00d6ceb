import { messageType } from '@tidemark/shared'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { makeDocuments } from '../documents/testing.ts'
import { Answers } from './answers.ts'
import { readClaims } from './claims.ts'
import { Session } from './session.ts'

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
    transport: {
      isOpen: true,
      send: (frame) => sent.push(frame),
      close: () => {},
      setPaused: () => {},
      limitMessages: () => {},
    },
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
