import { HocuspocusProvider } from '@hocuspocus/provider'
import { messageType, syncType } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { Random } from '../helpers/random.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until } from '../helpers/until.ts'

let server: ServerProcess

beforeAll(async () => {
  server = await ServerProcess.start()
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

/** One update for each word, each standing on the one before. */
function updatesOf(...words: string[]): Uint8Array[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const word of words) doc.getText('text').insert(doc.getText('text').length, word)
  return updates
}

const statusesOf = (client: RawClient): boolean[] =>
  client.said.flatMap((said) => (said.kind === 'status' ? [said.saved] : []))

const updatesTo = (client: RawClient): number =>
  client.said.filter((said) => said.kind === 'sync' && said.type === syncType.update).length

async function read(name: string): Promise<string> {
  const provider = new HocuspocusProvider({ url: server.sync, name, token: 'reader' })
  try {
    await until(`${name} is synced`, () => provider.synced)
    return provider.document.getText('text').toString()
  } finally {
    provider.destroy()
  }
}

test('[R1.4] an update whose predecessor is missing is stored before it is acknowledged', async () => {
  const [first, second] = updatesOf('one ', 'two') as [Uint8Array, Uint8Array]
  {
    using early = await RawClient.open(server.sync, 'out-of-order')
    early.update('out-of-order', second)
    await until('the early update is acknowledged', () => statusesOf(early).length === 1)
    expect(statusesOf(early)).toEqual([true])
  }
  await server.kill9()
  await server.start()
  using late = await RawClient.open(server.sync, 'out-of-order')
  late.update('out-of-order', first)
  await until('the late update is acknowledged', () => statusesOf(late).length === 1)
  expect(await read('out-of-order')).toBe('one two')
})

test('[R1.2] [R5.4] answers keep the order of what they answer, refusals among them', async () => {
  const [one, two] = updatesOf('one ', 'two') as [Uint8Array, Uint8Array]
  using client = await RawClient.open(server.sync, 'ordered')
  client.update('ordered', one)
  client.update('ordered', Uint8Array.of(255, 255, 255))
  client.update('ordered', two)
  client.update('ordered', Uint8Array.of(1))
  await until('four answers', () => statusesOf(client).length === 4)
  expect(statusesOf(client)).toEqual([true, false, true, false])
  expect(client.reasons).toEqual(['update-malformed', 'update-malformed'])
  expect(await read('ordered')).toBe('one two')
})

test('[R1.3] [R8.2] an update reaches the others once and its writer not at all', async () => {
  using writer = await RawClient.open(server.sync, 'echo')
  using peer = await RawClient.open(server.sync, 'echo')
  for (const update of updatesOf('one ', 'two ', 'three')) {
    writer.update('echo', update)
    await pause(50)
  }
  await until('three answers', () => statusesOf(writer).length === 3)
  await until('three updates', () => updatesTo(peer) === 3)
  expect(updatesTo(writer)).toBe(0)
})

test('[R4.3] what is sent before the authentication is not answered in the session that follows', async () => {
  const [one] = updatesOf('leftover') as [Uint8Array]
  using client = await new RawClient(server.sync).connected()
  client.update('leftovers', one)
  client.update('leftovers', one)
  client.authenticate('leftovers', 'anybody')
  await until('the session is open', () => client.has('authenticated'))
  client.sync('leftovers', syncType.step2, one)
  await until('an answer', () => statusesOf(client).length > 0)
  await pause(200)
  expect(statusesOf(client)).toEqual([true])
})

test('[R1.6] documents that come and go all the time lose nothing that was acknowledged', async () => {
  const text: string[] = []
  for (let round = 0; round < 40; round++) {
    const provider = new HocuspocusProvider({ url: server.sync, name: 'revolving', token: 'writer' })
    await until('synced', () => provider.synced, { interval: 1 })
    const word = `${round} `
    provider.document.getText('text').insert(0, word)
    await until('acknowledged', () => !provider.hasUnsyncedChanges, { interval: 1 })
    text.unshift(word)
    provider.destroy()
    // the server lets go of the document about now, or is just about to
    if (round % 3 === 0) await pause(round % 7)
  }
  expect(await read('revolving')).toBe(text.join(''))
})

test('[R6.3] a message that is not for clients to send is refused, and the session goes on', async () => {
  using client = await RawClient.open(server.sync, 'polite')
  client.message('polite', (encoder) => {
    encoding.writeVarUint(encoder, messageType.broadcastStateless)
    encoding.writeVarString(encoder, 'to everybody')
  })
  expect(await client.reason('a broadcast')).toBe('message-malformed')
  const [one] = updatesOf('still here') as [Uint8Array]
  client.update('polite', one)
  await until('an answer', () => statusesOf(client).length === 1)
  expect(statusesOf(client)).toEqual([true])
})

/** An update that decodes, and on which Yjs throws when it is applied to `state`. */
function poisonFor(state: Uint8Array): Uint8Array {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  const before = Y.encodeStateVector(doc)
  doc.transact(() => {
    doc.getText('text').insert(1, 'XYZ')
    doc.getText('text').format(0, 2, { bold: true })
    doc.getArray('list').insert(0, [new Y.Map(), new Y.Text('inner')])
  })
  const update = Y.encodeStateAsUpdate(doc, before)
  const random = new Random(7)
  for (;;) {
    const mutant = update.slice()
    for (let change = 0; change < 2; change++) mutant[random.int(0, mutant.length - 1)] = random.int(0, 255)
    try {
      Y.decodeUpdate(mutant)
    } catch {
      continue
    }
    try {
      const target = new Y.Doc()
      Y.applyUpdate(target, state)
      Y.applyUpdate(target, mutant)
    } catch {
      return mutant
    }
  }
}

test('[R1.7] [R6] [R5.4] an update on which Yjs throws is refused with a reason, and nobody else notices', async () => {
  using honest = await RawClient.open(server.sync, 'poisoned')
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'some text')
  doc.getArray('list').insert(0, [1, 2])
  honest.update('poisoned', Y.encodeStateAsUpdate(doc))
  await until('stored', () => statusesOf(honest).length === 1)
  using hostile = await RawClient.open(server.sync, 'poisoned')
  hostile.update('poisoned', poisonFor(Y.encodeStateAsUpdate(doc)))
  expect(await hostile.reason('the update')).toBe('update-malformed')
  expect(statusesOf(hostile)).toEqual([false])
  const before = Y.encodeStateVector(doc)
  doc.getText('text').insert(0, 'still ')
  honest.update('poisoned', Y.encodeStateAsUpdate(doc, before))
  await until('stored', () => statusesOf(honest).length === 2)
  await server.kill9()
  await server.start()
  expect(await read('poisoned')).toContain('still ')
})
