import { setImmediate } from 'node:timers/promises'
import { messageType, syncType } from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import { describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { until } from '../../../test/helpers/until.ts'
import { Writer } from '../../../test/helpers/writer.ts'
import type { Documents } from '../documents/documents.ts'
import type { OpenDocument } from '../documents/open-document.ts'
import { questionFrame, readHeader, updateFrame } from './frames.ts'
import { Questions } from './questions.ts'
import { Session } from './session.ts'
import { LocalServer, openTransport } from './testing.ts'

interface Said {
  type: number
  payload: Uint8Array
}

/** A socket with one session, whose document says that it has so many bytes. */
function world(document: Y.Doc, bytes: number) {
  const said: Said[] = []
  const failures: unknown[] = []
  const state = { isOpen: true, isCurrent: true }
  const open = { document, size: { bytes } } as unknown as OpenDocument
  const questions = new Questions({
    transport: openTransport({
      send(frame) {
        const { address, type, decoder } = readHeader(frame)
        expect([address, type]).toEqual(['plan', messageType.sync])
        said.push({ type: decoding.readVarUint(decoder), payload: decoding.readVarUint8Array(decoder) })
      },
      get isOpen() {
        return state.isOpen
      },
    }),
    documents: { get: () => open } as unknown as Documents,
    isCurrent: () => state.isCurrent,
    failed: (_session, cause) => failures.push(cause),
  })
  const session = new Session('plan', 'plan', 0)
  const note = (known: ReadonlyMap<number, number>) => {
    const frame = questionFrame('plan', Y.encodeStateVector(new Map(known)))
    questions.note(session, frame, known)
    return frame
  }
  const handle = (frame: Uint8Array) => questions.beforeHandling(session, document, frame)
  return { questions, session, note, handle, ask: (known = nothing) => handle(note(known)), said, failures, state }
}

const nothing: ReadonlyMap<number, number> = new Map()
const typeOf = (frame: Uint8Array) => readHeader(frame).type
const large = 10 * 1024 * 1024

/** Some ten ms of encoding. */
function longDocument(): Y.Doc {
  const doc = new Y.Doc()
  doc.getArray('list').push(Array.from({ length: 20_000 }, (_, at) => new Y.Text(`word ${at}`)))
  return doc
}

const kinds = (said: readonly Said[]) => said.map(({ type }) => type)

function copyOf(said: readonly Said[]): Y.Doc {
  const copy = new Y.Doc()
  for (const { type, payload } of said) if (type !== syncType.step1) Y.applyUpdate(copy, payload)
  return copy
}

describe('[R6.12] somebody opens a large document', () => {
  test('others have their turn meanwhile, and what is written then comes behind the answer', async () => {
    const doc = longDocument()
    const { questions, ask, said } = world(doc, large)
    doc.on('update', (update: Uint8Array) => expect(questions.hold(updateFrame('plan', update))).toBe(true))
    let turns = 0
    const others = (async () => {
      for (; !kinds(said).includes(syncType.step2); turns++) {
        await setImmediate()
        if (turns < 3) doc.getText('t').insert(turns, 'new ')
      }
    })()
    const answer = ask()
    // [R4.4] a stock client whose edits are acknowledged before takes the handshake for ended
    expect(kinds(said), 'the client is asked for nothing before it is answered').toEqual([])
    await others
    await answer
    expect(turns).toBeGreaterThan(3)
    expect(kinds(said)).toEqual([syncType.step1, syncType.step2, syncType.update, syncType.update, syncType.update])
    const copy = copyOf(said)
    expect(Y.encodeStateAsUpdate(copy)).toEqual(Y.encodeStateAsUpdate(doc))
    expect(copy.store.pendingStructs).toBeNull()
    expect(questions.hold(updateFrame('plan', new Uint8Array(2))), 'nothing is kept any more').toBe(false)
  })

  test('who has a part of it gets the rest, with what waits there for missing edits', async () => {
    const doc = longDocument()
    const known = Y.encodeStateVector(doc)
    const author = new Y.Doc()
    const updates: Uint8Array[] = []
    author.on('update', (update: Uint8Array) => updates.push(update))
    author.getText('u').insert(0, 'first ')
    author.getText('u').insert(6, 'second')
    Y.applyUpdate(doc, updates[1] as Uint8Array)
    doc.getText('t').insert(0, 'afterwards ')
    const { ask, said } = world(doc, large)
    await ask(Y.decodeStateVector(known))
    expect(said[1]?.payload.byteLength).toBeLessThan(1_000)
    expect(kinds(said)).toEqual([syncType.step1, syncType.step2, syncType.update])
    const copy = copyOf(said.slice(2))
    Y.applyUpdate(copy, updates[0] as Uint8Array)
    expect(copy.getText('u').toString()).toBe('first second')
  })

  test('a small document is left to Hocuspocus; a question that was answered asks for nothing any more', async () => {
    const small = world(longDocument(), 1_000)
    const question = small.note(nothing)
    await small.handle(question)
    expect([typeOf(question), small.said.length]).toEqual([messageType.sync, 0])
    const long = world(longDocument(), large)
    const answered = long.note(nothing)
    await long.handle(answered)
    expect(typeOf(answered)).toBe(messageType.stateless)
    await long.handle(Uint8Array.of(...answered))
    expect(kinds(long.said), 'only what was noted is answered').toEqual([syncType.step1, syncType.step2])
  })

  test('of several questions that wait the last one is answered', async () => {
    const { note, handle, said } = world(longDocument(), large)
    const frames = Array.from({ length: 50 }, () => note(nothing))
    for (const frame of frames) await handle(frame)
    expect(kinds(said)).toEqual([syncType.step1, syncType.step2])
    expect(frames.every((frame) => typeOf(frame) === messageType.stateless)).toBe(true)
  })

  test('who names many clients is read and answered in turns, of a small document, too', async () => {
    const doc = longDocument()
    const known = new Map(Array.from({ length: 20_000 }, (_, index) => [1_000_000 + index, 5]))
    known.set(doc.clientID, 30_000)
    const { questions, session, handle, said } = world(doc, 1_000)
    const frames = Array.from({ length: 50 }, () => {
      const vector = Y.encodeStateVector(known)
      const frame = questionFrame('plan', vector)
      questions.note(session, frame, vector)
      return frame
    })
    let turns = 0
    const last = frames.at(-1) as Uint8Array
    for (const frame of frames.slice(0, -1)) await handle(frame)
    expect(said, 'who asks anew is not read').toEqual([])
    await Promise.all([
      handle(last),
      (async () => {
        for (; said.length < 2; turns++) await setImmediate()
      })(),
    ])
    expect(turns).toBeGreaterThan(2)
    expect(kinds(said)).toEqual([syncType.step1, syncType.step2])
    const expected = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(known))
    expect(Buffer.from(said[1]?.payload ?? []).equals(expected)).toBe(true)
  })

  test('of a small document, too: the others ask for nothing any more', async () => {
    const { note, handle } = world(longDocument(), 1_000)
    const frames = Array.from({ length: 50 }, () => note(nothing))
    for (const frame of frames) await handle(frame)
    expect(frames.filter((frame) => typeOf(frame) === messageType.sync)).toEqual(frames.slice(-1))
  })

  test.each(['the socket closes', 'the session ends', 'the document is thrown out'])(
    '%s: it is given up',
    async (what) => {
      const doc = longDocument()
      const { questions, ask, said, failures, state } = world(doc, large)
      const answer = ask()
      if (what === 'the socket closes') state.isOpen = false
      if (what === 'the session ends') state.isCurrent = false
      if (what === 'the document is thrown out') doc.destroy()
      await answer
      expect(questions.hold(updateFrame('plan', new Uint8Array(2)))).toBe(false)
      expect(kinds(said)).toEqual([])
      expect(failures).toEqual([])
    },
  )

  test('with a whole server: a stock client has it, and writes in it', async () => {
    const handled = vi.spyOn(Questions.prototype, 'beforeHandling')
    await using server = await LocalServer.start(await freshDatabase(), {})
    using author = new Writer({ url: server.sync, document: 'long' })
    await author.synced()
    for (let at = 0; at < 3; at++) {
      author.doc.getArray('list').push(Array.from({ length: 100 }, () => new Y.Text('x'.repeat(4_000))))
    }
    await until('all of it is saved', async () => !author.provider.hasUnsyncedChanges)
    using ada = new Writer({ url: server.sync, document: 'long' })
    await ada.synced()
    ada.write()
    await ada.drained()
    using ben = new Writer({ url: server.sync, document: 'long' })
    const [first] = [ada.write()]
    await ben.synced()
    const answeredInTurns = handled.mock.calls.filter(([, , frame]) => typeOf(frame) === messageType.stateless)
    expect(answeredInTurns).toHaveLength(2)
    handled.mockRestore()
    ben.write()
    await ben.drained()
    await until('each has what the other wrote', async () => [ada, ben].every(({ edits }) => edits.length === 3))
    expect(ben.edits.toArray()).toContain(first)
    expect(ben.doc.getArray('list').length).toBe(300)
    expect(Y.encodeStateAsUpdate(ben.doc)).toEqual(Y.encodeStateAsUpdate(ada.doc))
  })
})
