import { messageType, syncType } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { encoded, hostileUpdates } from '../helpers/hostile-updates.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { Random } from '../helpers/random.ts'
import { frame, RawClient } from '../helpers/raw-client.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

const documentName = 'plan'
const messageBytes = 256 * 1024

let server: ServerProcess
let bystander: Writer

beforeAll(async () => {
  server = await ServerProcess.start({
    databaseUrl: await freshDatabase(),
    env: {
      TIDEMARK_LIMIT_MESSAGE_BYTES: String(messageBytes),
      TIDEMARK_LIMIT_DOCUMENT_BYTES: String(1024 * 1024),
      TIDEMARK_LIMIT_DOCUMENTS_PER_SOCKET: '20',
      TIDEMARK_LIMIT_SUBDOCUMENTS: '500',
      TIDEMARK_LIMIT_AUTHENTICATION_MS: '1500',
    },
  })
  bystander = new Writer({ url: server.sync, document: documentName, name: 'bystander' })
  await bystander.synced()
})
afterAll(async () => {
  bystander?.[Symbol.dispose]()
  await server?.[Symbol.asyncDispose]()
})

/** Whatever was sent: the process is the same, others write on, nobody heard anything of it. */
async function expectUndisturbed(pid: number): Promise<void> {
  const edit = bystander.write()
  await bystander.drained()
  expect(bystander.closes).toEqual([])
  expect(bystander.told).toEqual([])
  expect(bystander.ledger.violations).toEqual([])
  expect(server.pid).toBe(pid)
  using newcomer = new Writer({ url: server.sync, document: documentName })
  await newcomer.synced()
  expect(newcomer.edits.toArray()).toContain(edit)
  expect(Y.encodeStateVector(newcomer.doc)).toEqual(Y.encodeStateVector(bystander.doc))
}

let pid: number
beforeEach(() => {
  pid = server.pid
})

describe('[R6.3] [R5.4] frames that cannot be what they claim', () => {
  const text = (value: string) => new TextEncoder().encode(value)
  test.each([
    { what: 'an empty frame', bytes: new Uint8Array() },
    { what: 'one byte', bytes: Uint8Array.of(1) },
    { what: 'a name that is longer than the frame', bytes: Uint8Array.of(255, 255, 3, 65) },
    { what: 'a number without an end', bytes: new Uint8Array(64).fill(255) },
    { what: 'a name that is no UTF-8', bytes: Uint8Array.of(2, 0xc3, 0x28, 2, 0, 0) },
    { what: 'a name and nothing else', bytes: frame(documentName, () => {}) },
    { what: 'HTTP', bytes: text('GET / HTTP/1.1\r\nHost: x\r\n\r\n') },
    { what: 'JSON', bytes: text('{"type":"hello"}') },
  ])('$what: the sender is told a code, before authentication and after', async ({ bytes }) => {
    using early = new RawClient(server.sync)
    await early.connected()
    early.raw(bytes)
    using late = await RawClient.open(server.sync, documentName)
    late.raw(bytes)
    expect(await late.reason('the frame')).toMatch(/^(message-malformed|document-name-invalid)$/)
    await until('the early one is told, or ignored without harm', () => early.reasons.length > 0 || early.close, {
      timeout: 2500,
    })
    await expectUndisturbed(pid)
  })

  test('a text frame', async () => {
    using client = await RawClient.open(server.sync, documentName)
    client.raw('hello')
    expect(await client.reason('text')).toBe('message-malformed')
    await expectUndisturbed(pid)
  })

  test('[R6.13] a frame above the limit', async () => {
    using client = await RawClient.open(server.sync, documentName)
    client.raw(new Uint8Array(messageBytes + 1))
    await pause(1_000)
    // a stock client would be back at once, with the same (R6.13)
    expect(client.close).toBeNull()
    await expectUndisturbed(pid)
    await until('the socket is closed', () => client.close, { timeout: 15_000 })
    expect(client.close?.code).toBe(1009)
  })

  test('every kind of message cut off at every byte', async () => {
    const doc = new Y.Doc()
    doc.getArray('edits').push(['x'])
    const whole = [
      frame(documentName, (encoder) => {
        encoding.writeVarUint(encoder, messageType.sync)
        encoding.writeVarUint(encoder, syncType.update)
        encoding.writeVarUint8Array(encoder, Y.encodeStateAsUpdate(doc))
      }),
      frame(documentName, (encoder) => {
        encoding.writeVarUint(encoder, messageType.awareness)
        encoding.writeVarUint8Array(
          encoder,
          encoded((inner) => {
            encoding.writeVarUint(inner, 1)
            encoding.writeVarUint(inner, 7)
            encoding.writeVarUint(inner, 1)
            encoding.writeVarString(inner, '{"user":{"name":"x"}}')
          }),
        )
      }),
      frame(documentName, (encoder) => {
        encoding.writeVarUint(encoder, messageType.stateless)
        encoding.writeVarString(encoder, 'payload')
      }),
    ]
    for (const message of whole) {
      using client = await RawClient.open(server.sync, documentName)
      for (let length = 1; length < message.length; length += 1) client.raw(message.subarray(0, length))
      await client.reason('the cut frames')
    }
    await expectUndisturbed(pid)
  })

  test.each([
    { what: 'a message only servers send (broadcast)', type: messageType.broadcastStateless },
    { what: 'an acknowledgement', type: messageType.syncStatus },
    { what: 'a message of no known kind', type: 77 },
  ])('$what', async ({ type }) => {
    using client = await RawClient.open(server.sync, documentName)
    client.message(documentName, (encoder) => {
      encoding.writeVarUint(encoder, type)
      encoding.writeVarString(encoder, 'to everybody')
    })
    expect(await client.reason('the message')).toBe('message-malformed')
    await expectUndisturbed(pid)
  })

  test('20,000 random frames, most of them almost right', async () => {
    const random = new Random()
    for (let round = 0; round < 20; round += 1) {
      using client = await RawClient.open(server.sync, documentName)
      for (let count = 0; count < 1000; count += 1) client.raw(almostRight(random))
      await pause(5)
    }
    await expectUndisturbed(pid).catch((cause: unknown) => {
      throw new Error(`seed ${random.seed}`, { cause })
    })
  })
})

/** A frame with a right beginning and a random rest; half of them reach the open document. */
function almostRight(random: Random): Uint8Array {
  if (random.next() < 0.1) return random.bytes(random.int(0, 40))
  const name = random.next() < 0.6 ? documentName : random.pick(['', 'plan\0x', '../etc', 'x'.repeat(600), 'other'])
  return frame(name, (encoder) => {
    encoding.writeVarUint(encoder, random.int(0, 11))
    if (random.next() < 0.5) encoding.writeVarUint(encoder, random.int(0, 3))
    const rest = random.bytes(random.int(0, 60))
    if (random.next() < 0.5) encoding.writeVarUint8Array(encoder, rest)
    else encoding.writeUint8Array(encoder, rest)
  })
}

describe('[R6.3] [R5.4] updates that do not decode, or must not be applied', () => {
  test.each(hostileUpdates())('$what', async ({ update, refused }) => {
    using client = await RawClient.open(server.sync, documentName)
    client.update(documentName, update)
    if (refused) {
      expect(await client.reason('the update')).toMatch(/^update-(malformed|too-complex)$/)
      expect(client.said).not.toContainEqual({ kind: 'status', saved: true })
    } else {
      await until('it is answered', () => client.has('status') || client.close)
    }
    await expectUndisturbed(pid)
  })

  test('the sender of a refused update can go on, and its next edit is saved', async () => {
    using client = await RawClient.open(server.sync, 'goes-on')
    client.update('goes-on', Uint8Array.of(1, 2, 3))
    await until('it is refused', () => client.said.some((said) => said.kind === 'status' && !said.saved))
    const doc = new Y.Doc()
    doc.getArray<string>('edits').push(['after the refusal'])
    client.update('goes-on', Y.encodeStateAsUpdate(doc))
    await until('it is saved', () => client.said.some((said) => said.kind === 'status' && said.saved))
    const statuses = client.said.filter((said) => said.kind === 'status').map((said) => said.saved)
    expect(statuses, 'answers come in the order of the writes').toEqual([false, true])
    expect(await readEdits({ url: server.sync, document: 'goes-on' })).toEqual(['after the refusal'])
  })

  test('[R1.4] an update whose predecessors are missing is acknowledged, survives kill -9, and shows once they come', async () => {
    const author = new Y.Doc()
    const updates: Uint8Array[] = []
    author.on('update', (update: Uint8Array) => updates.push(update))
    author.getArray('edits').push(['first'])
    author.getArray('edits').push(['second'])
    await using own = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    using early = await RawClient.open(own.sync, 'gap')
    early.update('gap', updates[1] ?? new Uint8Array())
    await until('it is acknowledged', () => early.said.some((said) => said.kind === 'status' && said.saved))
    await own.restart()
    expect(await readEdits({ url: own.sync, document: 'gap' })).toEqual([])
    using late = await RawClient.open(own.sync, 'gap')
    late.update('gap', updates[0] ?? new Uint8Array())
    await until('it is acknowledged', () => late.said.some((said) => said.kind === 'status' && said.saved))
    expect(await readEdits({ url: own.sync, document: 'gap' })).toEqual(['first', 'second'])
    await own.restart()
    expect(await readEdits({ url: own.sync, document: 'gap' })).toEqual(['first', 'second'])
  })

  test('a document at its limit refuses more, and says so; another document takes it', async () => {
    using client = await RawClient.open(server.sync, 'big')
    const doc = new Y.Doc()
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    for (let count = 0; count < 6; count += 1) doc.getArray('edits').push(['x'.repeat(200 * 1024)])
    for (const update of updates) client.update('big', update)
    expect(await client.reason('the last ones')).toBe('document-too-large')
    using other = await RawClient.open(server.sync, 'small')
    other.update('small', updates[0] ?? new Uint8Array())
    await until('it is saved', () => other.said.some((said) => said.kind === 'status' && said.saved))
    await expectUndisturbed(pid)
  })
})

describe('[R5.4] document names', () => {
  test.each([
    { what: '10,000 characters', name: 'x'.repeat(10_000) },
    { what: 'empty', name: '' },
    { what: 'blank', name: '   ' },
    { what: 'with NUL in front', name: '\0plan' },
    { what: 'with a control character', name: 'pl\nan' },
    { what: 'going up', name: '../../etc/passwd' },
    { what: 'going up inside', name: 'a/../b' },
    { what: 'with an encoded slash', name: 'a%2Fb' },
    { what: 'with a backslash', name: 'a\\b' },
  ])('$what: refused with a code at /sync and at /y-websocket', async ({ name }) => {
    using client = new RawClient(server.sync)
    await client.connected()
    client.authenticate(name, 'anybody')
    expect(await client.reason('the name')).toMatch(/^(document-name-invalid|message-malformed)$/)
    expect(client.has('authenticated')).toBe(false)
    using direct = new RawClient(`${server.yWebsocket}/${encodeURIComponent(name)}`)
    await until('it is refused or closed', () => direct.refused ?? direct.close)
    expect(direct.has('sync')).toBe(false)
    await expectUndisturbed(pid)
  })

  test.each([
    'Plan für 2027',
    'team-7/plan',
    'documents:42',
    '计划',
    'constructor',
    '__proto__',
    "Robert'); drop table documents;--",
  ])('%s is a name like any other', async (name) => {
    using writer = new Writer({ url: server.sync, document: name })
    await writer.synced()
    writer.write()
    await writer.drained()
    expect(await readEdits({ url: server.sync, document: name })).toEqual(writer.acknowledged)
  })
})

describe('[R6.4] limits', () => {
  test('a token of 70 KB is refused, and the next one is taken', async () => {
    using client = new RawClient(server.sync)
    await client.connected()
    client.authenticate(documentName, 'x'.repeat(70_000))
    expect(await client.reason('the token')).toBe('message-malformed')
    client.authenticate(documentName, 'anybody')
    await until('it is signed in', () => client.has('authenticated'))
    await expectUndisturbed(pid)
  })

  test('a question that is asked 500 times at once is not answered 500 times', async () => {
    using client = await RawClient.open(server.sync, documentName)
    const answers = () => client.said.filter((said) => said.kind === 'sync' && said.type === syncType.step2).length
    for (let count = 0; count < 500; count += 1) client.sync(documentName, syncType.step1, Uint8Array.of(0))
    await until('it is answered', () => answers() > 0)
    await expectUndisturbed(pid)
    expect(answers()).toBeLessThan(50)
  })

  test('too many documents on one socket: the one too many is refused, the others work', async () => {
    using client = new RawClient(server.sync)
    await client.connected()
    for (let count = 0; count < 21; count += 1) client.authenticate(`many-${count}`, 'anybody')
    expect(await client.reason('one of them')).toBe('too-many-documents')
    await until('the others are open', () => client.said.filter(({ kind }) => kind === 'authenticated').length === 20)
    await expectUndisturbed(pid)
  })

  test('1,000 sockets that never authenticate are closed after the deadline, and others notice nothing', async () => {
    const started = performance.now()
    const idle = Array.from({ length: 1000 }, () => new RawClient(server.sync))
    try {
      // the first ones may be closed again before the last one is open
      await until(
        'all have been connected',
        () => idle.every(({ socket, refused }) => socket.readyState > 0 || refused),
        {
          timeout: 20_000,
        },
      )
      await expectUndisturbed(pid)
      await until('all are closed', () => idle.every(({ close }) => close), { timeout: 20_000 })
      expect(performance.now() - started).toBeGreaterThan(1400)
      expect(new Set(idle.map(({ close }) => `${close?.code} ${close?.reason}`))).toEqual(
        new Set(['4408 authentication-timeout']),
      )
    } finally {
      for (const client of idle) client[Symbol.dispose]()
    }
    await expectUndisturbed(pid)
  })

  test('edits sent before authentication are neither applied nor kept for ever', async () => {
    using client = new RawClient(server.sync)
    await client.connected()
    const doc = new Y.Doc()
    doc.getArray('edits').push(['uninvited'])
    for (let count = 0; count < 2000; count += 1) client.update(documentName, Y.encodeStateAsUpdate(doc))
    await until('it is closed', () => client.close, { timeout: 4000 })
    expect(bystander.edits.toArray()).not.toContain('uninvited')
    await expectUndisturbed(pid)
  })
})
