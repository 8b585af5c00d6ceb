import type { Connection, Document } from '@hocuspocus/server'
import { systemClock } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import { afterEach, expect, test, vi } from 'vitest'
import { TidemarkHocuspocus } from '../documents/hocuspocus.ts'
import { Presences } from './presences.ts'

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A document as Hocuspocus hands it out, with sessions that keep what they are sent. */
async function room(...addresses: string[]) {
  const presences = new Presences({ presenceStateBytes: 1_000, presenceStates: 100, valueDepth: 50 }, systemClock)
  const hocuspocus = new TidemarkHocuspocus(
    { quiet: true },
    {
      loaded: (document) => presences.loaded(document),
      come: async () => {},
      quarantined: () => {},
      refuse: (_, cause) => {
        throw cause
      },
    },
  )
  const direct = await hocuspocus.openDirectConnection('plan')
  closing.push(() => direct.disconnect())
  const document = direct.document as Document
  const sessions = addresses.map((messageAddress, index) => {
    const sent: Uint8Array[] = []
    const connection = {
      messageAddress,
      document,
      context: { access: { userId: `user ${index}` } },
      send: (frame: Uint8Array) => sent.push(frame),
    } as unknown as Connection
    document.addConnection(connection)
    return { connection, sent }
  })
  return { presences, document, sessions }
}

const moved = (client: number, clock: number): Uint8Array => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, clock)
  encoding.writeVarString(encoder, '{"x":1}')
  return encoding.toUint8Array(encoder)
}

test('[R8.6] what goes out is encoded once: who is addressed alike is sent the same bytes', async () => {
  const { presences, sessions } = await room('plan', 'plan', 'plan\0tab')
  const [first, second, third] = sessions
  presences.receive(first!.connection, moved(1, 1))
  await expect.poll(() => third!.sent.length).toBe(1)
  expect(second!.sent).toHaveLength(1)
  expect(second!.sent[0]).toBe(first!.sent[0])
  expect(third!.sent[0]!.byteLength).toBe(first!.sent[0]!.byteLength + '\0tab'.length)
})

test('[R8.6] a move costs the same however many are here: nobody lists everybody', async () => {
  const { presences, document, sessions } = await room('plan')
  const { connection } = sessions[0]!
  for (let client = 1; client <= 50; client++) presences.receive(connection, moved(client, 1))
  const listed = vi.spyOn(document.awareness, 'getStates')
  for (let clock = 2; clock < 20; clock++) presences.receive(connection, moved(1, clock))
  expect(document.awareness.states.size).toBe(50)
  expect(document.awareness.meta.get(1)?.clock).toBe(19)
  expect(listed).not.toHaveBeenCalled()
})

test('[C5] with a session its people go, and nothing is remembered of them but whose they were', async () => {
  const { presences, document, sessions } = await room('plan', 'plan')
  const [first, second] = sessions
  presences.receive(first!.connection, moved(1, 5))
  presences.receive(second!.connection, moved(2, 1))
  document.removeConnection(first!.connection)
  expect([...document.awareness.states.keys()]).toEqual([2])
  expect([...document.awareness.meta.keys()]).not.toContain(1)
  // somebody else's echo of what they said does not bring them back
  expect(presences.receive(second!.connection, moved(1, 5))).toBeNull()
  expect(presences.receive(second!.connection, moved(1, 6))).toBeNull()
  expect([...document.awareness.states.keys()]).toEqual([2])
})
