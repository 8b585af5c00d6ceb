import type { Connection } from '@hocuspocus/server'
import { expect, test } from 'vitest'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { Owners } from './owners.ts'

/** A document with sessions of people, who are there as one Yjs client each. */
function room() {
  const document = new Y.Doc()
  const owners = new Owners(document)
  const arrive = (userId: string, client: number, hasAnswered = true): void => {
    const sessions = new Map([['plan', { hasAnswered }]])
    const connection = { messageAddress: 'plan', context: { access: { userId }, gate: { sessions } } }
    const doc = new Y.Doc()
    doc.clientID = client
    const awareness = new Awareness(doc)
    owners.said(connection as unknown as Connection, encodeAwarenessUpdate(awareness, [client]))
    awareness.destroy()
  }
  const write = (client: number): void => {
    const doc = new Y.Doc()
    doc.clientID = client
    doc.getText('text').insert(0, 'abc')
    Y.applyUpdate(document, Y.encodeStateAsUpdate(doc))
  }
  const isForged = (userId: string, client: number, end: number) =>
    owners.isForged({ ends: new Map([[client, end]]) }, userId)
  return { document, arrive, write, isForged }
}

test('[S10] nobody writes as the client of another user who was here first; what is there already may be said again', () => {
  const { document, arrive, write, isForged } = room()
  arrive('ada', 7)
  expect(isForged('mallory', 7, 1)).toBe(true)
  expect(isForged('ada', 7, 1)).toBe(false)
  expect(isForged('mallory', 8, 1)).toBe(false)
  write(7)
  expect(isForged('bob', 7, 3)).toBe(false)
  expect(isForged('bob', 7, 4)).toBe(true)
  document.destroy()
})

test('[S10] a client that has written belongs to nobody who only says so', () => {
  const { document, arrive, write, isForged } = room()
  write(7)
  arrive('mallory', 7)
  expect(isForged('ada', 7, 4)).toBe(false)
  document.destroy()
})

test('[S10] until somebody has said what the server lacks, others may bring it', () => {
  const { document, arrive, isForged } = room()
  arrive('ada', 7, false)
  expect(isForged('bob', 7, 3)).toBe(false)
  document.destroy()
})
