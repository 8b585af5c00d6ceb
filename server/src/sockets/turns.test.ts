import type { Socket } from 'node:net'
import { messageType, syncType } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { frame, RawClient } from '../../../test/helpers/raw-client.ts'
import { until } from '../../../test/helpers/until.ts'
import { readEdits, Writer } from '../../../test/helpers/writer.ts'
import { Gate } from './gate.ts'
import { LocalServer } from './testing.ts'

let server: LocalServer
beforeAll(async () => {
  server = await LocalServer.start(await freshDatabase(), {})
})
afterAll(async () => server?.[Symbol.asyncDispose]())

/** How many frames the server takes in each turn of the event loop. */
function countTurns() {
  const turns: number[] = []
  let isCounting = false
  const receive = Gate.prototype.receive
  const spy = vi.spyOn(Gate.prototype, 'receive').mockImplementation(function (this: Gate, bytes) {
    if (!isCounting) {
      isCounting = true
      turns.push(0)
      setImmediate(() => {
        isCounting = false
      })
    }
    turns[turns.length - 1]!++
    receive.call(this, bytes)
  })
  return { turns, [Symbol.dispose]: () => spy.mockRestore() }
}

const streamOf = ({ socket }: RawClient): Socket => Reflect.get(socket, '_socket')

/** All in one write to the network. */
function together(client: RawClient, frames: Iterable<Uint8Array>): void {
  const socket = streamOf(client)
  socket.cork()
  for (const each of frames) client.raw(each)
  socket.uncork()
}

test.each([
  ['pings', 10_000, () => Uint8Array.of(messageType.ping)],
  ['questions', 3_000, () => syncFrame(syncType.step1, Uint8Array.of(0))],
  ['refused edits', 1_500, () => syncFrame(syncType.update, Uint8Array.of(9, 9, 9))],
])('[R6.41] %s, thousands in one packet, are taken some at a time', async (_, count, make) => {
  using eve = await RawClient.open(server.sync, 'plan')
  using counted = countTurns()
  together(eve, Array.from({ length: count }, make))
  const sum = () => counted.turns.reduce((total, frames) => total + frames, 0)
  await until('all are taken', () => sum() === count, { timeout: 20_000 })
  expect(Math.max(...counted.turns)).toBeLessThanOrEqual(300)
  expect(eve.close).toBeNull()
})

test('[R6.41] what a client sent right before it left is in, though it came at once', async () => {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (let index = 0; index < 800; index++) doc.getArray('edits').push([`edit ${index}`])
  for (const leave of ['close', 'end'] as const) {
    const client = await RawClient.open(server.sync, leave)
    together(
      client,
      updates.map((update) => syncFrame(syncType.update, update, leave)),
    )
    // its process ends: the machine sends what is left, and no close
    if (leave === 'close') client.socket.close()
    else streamOf(client).end()
    await until(
      `all is there after ${leave}`,
      async () => (await readEdits({ url: server.sync, document: leave })).length === 800,
      { interval: 200 },
    )
  }
})

test('[R6.41] somebody else is answered meanwhile', async () => {
  using ada = await new Writer({ url: server.sync, document: 'calm' }).synced()
  const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.open(server.sync, 'flood')))
  try {
    using counted = countTurns()
    for (const eve of clients)
      together(
        eve,
        Array.from({ length: 2_000 }, () => syncFrame(syncType.step1, Uint8Array.of(0), 'flood')),
      )
    await until('the flood has begun', () => counted.turns.length > 3)
    ada.write()
    await ada.drained()
    const sum = counted.turns.reduce((total, frames) => total + frames, 0)
    expect(sum, 'before the flood was over').toBeLessThan(20_000)
  } finally {
    for (const eve of clients) eve[Symbol.dispose]()
  }
})

function syncFrame(type: number, payload: Uint8Array, document = 'plan'): Uint8Array {
  return frame(document, (encoder) => {
    encoding.writeVarUint(encoder, messageType.sync)
    encoding.writeVarUint(encoder, type)
    encoding.writeVarUint8Array(encoder, payload)
  })
}
