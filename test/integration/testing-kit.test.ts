import { type ClientOptions, createClient, type TidemarkClient, type TidemarkDocument } from '@tidemark/client'
import { createWorld } from '@tidemark/client/testing'
import { authType, decodeServerMessage, encodeAuthEnvelope, messageType, syncType } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { freshDatabase } from '../helpers/postgres.ts'
import { frame, read, type Said } from '../helpers/raw-client.ts'
import { ServerProcess } from '../helpers/server.ts'
import { secret, token } from '../helpers/tokens.ts'
import { pause, until } from '../helpers/until.ts'

/** Where a scenario plays: on the real server in real time, or in the world of the testing kit. */
interface Stage {
  readonly tokens: { readonly writer: string; readonly reader: string }
  client(person: string, options: Pick<ClientOptions, 'auth'>): TidemarkClient
  socket(): WebSocket
  until(what: string, condition: () => boolean): Promise<void>
  /** Until nothing more comes. */
  quiet(): Promise<void>
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

let server: ServerProcess

beforeAll(async () => {
  server = await ServerProcess.start({ secret, databaseUrl: await freshDatabase() })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

async function realStage(): Promise<Stage> {
  const clients: TidemarkClient[] = []
  return {
    tokens: { writer: await token(), reader: await token({ subject: 'reader', documents: { '*': 'read' } }) },
    client(person, options) {
      const client = createClient({
        url: server.sync,
        ...{ localStore: 'memory', namespace: person, log: () => {} },
        retry: { kind: 'steps', delays: [50], jitter: false },
        ...options,
      })
      clients.push(client)
      return client
    },
    socket: () => new WebSocket(server.sync),
    until: async (what, condition) => void (await until(what, condition)),
    quiet: () => pause(200),
    kill: () => server.kill9(),
    start: () => server.start(),
    async close() {
      for (const client of clients) await client.close()
    },
  }
}

function simulatedStage(): Stage {
  const world = createWorld({
    authorise: (token) => (token === 'w' ? 'write' : token === 'r' ? 'read' : 'token-invalid'),
  })
  return {
    tokens: { writer: 'w', reader: 'r' },
    client: (person, options) =>
      world
        .device(person)
        .openTab()
        .createClient({ retry: { kind: 'steps', delays: [50], jitter: false }, ...options }),
    socket: () => world.device('raw').openTab().createSocket('ws://tidemark.test/sync'),
    async until(what, condition) {
      for (let waited = 0; !condition(); waited += 10) {
        if (waited > 10_000) throw new Error(`waited in vain: ${what}`)
        await world.advanceTime(10)
      }
    },
    quiet: () => world.advanceTime(200),
    kill: async () => world.server.kill(),
    start: async () => world.server.start(),
    close: async () => world.close(),
  }
}

async function onBoth<Result>(play: (stage: Stage) => Promise<Result>): Promise<[real: Result, simulated: Result]> {
  const results: Result[] = []
  for (const stage of [await realStage(), simulatedStage()]) {
    results.push(await play(stage))
    await stage.close()
  }
  return results as [Result, Result]
}

// ——— what an app hears ———

/** Everything an app hears. */
function listenTo(document: TidemarkDocument): string[] {
  const heard: string[] = []
  document.on('pending', ({ pendingCount }) => heard.push(`pending ${pendingCount}`))
  document.on('drained', () => heard.push('drained'))
  document.on('error', ({ code }) => heard.push(code))
  document.on('status', ({ kind }) => heard.push(kind))
  document.on('synced', (synced) => heard.push(synced ? 'synced' : 'not synced'))
  return heard
}

function write(document: TidemarkDocument, text: string): void {
  const body = document.doc.getText('body')
  body.insert(body.length, text)
}

const textOf = (document: TidemarkDocument) => document.doc.getText('body').toString()

test('[B6] an app hears the same from the simulated server as from the real one, in the same order', async () => {
  const [real, simulated] = await onBoth(async (stage) => {
    const ada = stage.client('ada', { auth: () => stage.tokens.writer }).open('parity')
    const heard = { ada: listenTo(ada), bob: [] as string[] }
    await stage.until('Ada is in sync', () => ada.status.kind === 'saved')
    write(ada, 'one ')
    await stage.until('Ada is saved', () => ada.pendingCount === 0)
    const bob = stage.client('bob', { auth: () => stage.tokens.reader }).open('parity')
    heard.bob = listenTo(bob)
    await stage.until('Bob sees it', () => textOf(bob) === 'one ' && bob.status.kind === 'saved')
    write(ada, 'two ')
    await stage.until('Bob sees more', () => textOf(bob) === 'one two ' && ada.pendingCount === 0)
    write(bob, 'not for Bob to write')
    await stage.until('Bob is refused', () => bob.status.kind === 'error')
    // he tries once more, in a new session: all of that, before the server goes
    await stage.quiet()
    await stage.until('Bob is refused again', () => bob.synced && bob.status.kind === 'error')
    await stage.kill()
    await stage.until('Ada knows', () => ada.status.kind === 'offline')
    write(ada, 'three')
    await stage.start()
    await stage.until('Ada is back', () => ada.status.kind === 'saved')
    // and Bob, whose edit is refused once more
    await stage.until('Bob is back', () => bob.synced && heard.bob.filter((what) => what === 'read-only').length === 2)
    expect(textOf(ada)).toBe('one two three')
    return { ada: [...heard.ada], bob: [...heard.bob], level: [ada.level, bob.level], synced: [ada.synced] }
  })
  // how often it is tried in vain until the server is up again is a matter of moments
  const essence = (heard: readonly string[]) =>
    heard.filter((what) => what !== 'server-unreachable').filter((what, index, all) => what !== all[index - 1])
  expect(essence(simulated.ada)).toEqual(essence(real.ada))
  expect(essence(simulated.bob)).toEqual(essence(real.bob))
  expect({ level: simulated.level, synced: simulated.synced }).toEqual({ level: real.level, synced: real.synced })
  expect(real.ada).toContain('drained')
}, 90_000)

// ——— what is on the wire ———

function describeFrame(said: Said): string {
  switch (said.kind) {
    case 'authenticated':
      return `authenticated ${said.scope}`
    case 'denied':
    case 'closed':
      return `${said.kind} ${said.reason}`
    case 'stateless': {
      const message = decodeServerMessage(said.payload)
      if (message?.tidemark === 'hello') return `hello ${message.level} at ${message.revision}`
      return `${message?.tidemark} ${message?.code}`
    }
    case 'sync':
      return `${['step1', 'step2', 'update'][said.type]} ${Buffer.from(said.payload).toString('hex')}`
    case 'status':
      return said.saved ? 'saved' : 'refused'
    case 'token-wanted':
      return said.kind
    default:
      return `frame ${said.type}`
  }
}

interface Wire {
  send(address: string, ...parts: (number | string | Uint8Array)[]): void
  raw(bytes: Uint8Array): void
  /** What has come since the last time, `least` frames or more, and whether it was closed. */
  heard(least?: number): Promise<string[]>
  epoch(): string
}

async function openWire(stage: Stage): Promise<Wire> {
  const socket = stage.socket()
  socket.binaryType = 'arraybuffer'
  let heard: string[] = []
  let epoch = ''
  socket.addEventListener('message', ({ data }: MessageEvent) => {
    const said = read(new Uint8Array(data as ArrayBuffer))
    heard.push(describeFrame(said))
    const message = said.kind === 'stateless' ? decodeServerMessage(said.payload) : null
    if (message?.tidemark === 'hello') epoch = message.epoch ?? ''
  })
  socket.addEventListener('close', ({ code, reason }: CloseEvent) => heard.push(`socket closed ${code} ${reason}`))
  await stage.until('the socket is open', () => socket.readyState === 1)
  return {
    send(address, ...parts) {
      const bytes = frame(address, (encoder) => {
        for (const part of parts) {
          if (typeof part === 'number') encoding.writeVarUint(encoder, part)
          else if (typeof part === 'string') encoding.writeVarString(encoder, part)
          else encoding.writeVarUint8Array(encoder, part)
        }
      })
      socket.send(bytes as Uint8Array<ArrayBuffer>)
    },
    raw: (bytes) => socket.send(bytes as Uint8Array<ArrayBuffer>),
    async heard(least = 0) {
      await stage.until(`${least} frames`, () => heard.length >= least)
      await stage.quiet()
      const now = heard
      heard = []
      return now
    },
    epoch: () => epoch,
  }
}

const { sync, auth, awareness, close, ping } = messageType
const { step1, step2, update } = syncType
const nothing = Uint8Array.of(0, 0)

/** An edit whose bytes are the same each time. */
function anEdit(client: number, text: string): { whole: Uint8Array; doc: Y.Doc; updates: Uint8Array[] } {
  const doc = new Y.Doc()
  doc.clientID = client
  const updates: Uint8Array[] = []
  doc.on('update', (bytes: Uint8Array) => updates.push(bytes))
  for (const [index, character] of [...text].entries()) doc.getText('body').insert(index, character)
  return { whole: Y.encodeStateAsUpdate(doc), doc, updates }
}

test('[B6] the simulated server says the same on the wire as the real one, frame by frame', async () => {
  const envelope = (token: string, epoch?: string) =>
    encodeAuthEnvelope({ protocol: 1, token, ...(epoch === undefined ? {} : { epoch }) })
  const [real, simulated] = await onBoth(async (stage) => {
    const { writer, reader } = stage.tokens
    const heard: Record<string, string[]> = {}
    const one = await openWire(stage)
    const edit = anEdit(1, 'abc')

    one.send('wire\0s1', sync, step1, Uint8Array.of(0))
    heard['before the authentication'] = await one.heard()
    one.send('wire\0s1', auth, authType.token, envelope(writer))
    one.send('wire\0s1', sync, step1, Uint8Array.of(0))
    heard['a handshake'] = await one.heard(4)
    one.send('wire\0s1', sync, step2, edit.updates[0]!)
    heard['what the server lacked'] = await one.heard(2)
    one.send('wire\0s1', sync, update, edit.updates[1]!)
    heard['an edit'] = await one.heard(1)
    one.send('wire\0s1', sync, update, edit.updates[1]!)
    heard['the same again'] = await one.heard(1)

    const two = await openWire(stage)
    two.send('wire\0s2', auth, authType.token, envelope(writer, one.epoch()))
    two.send('wire\0s2', sync, step1, Y.encodeStateVector(edit.doc))
    heard['somebody else'] = await two.heard(4)
    one.send('wire\0s1', sync, update, edit.updates[2]!)
    heard['an edit, its writer'] = await one.heard(1)
    heard['an edit, the other'] = await two.heard(1)

    const person = new Awareness(edit.doc)
    person.setLocalState({ name: 'Ada' })
    one.send('wire\0s1', awareness, encodeAwarenessUpdate(person, [1]))
    heard.presence = [...(await one.heard(1)), ...(await two.heard(1))]
    person.destroy()

    two.send('wire\0s2', sync, update, Uint8Array.of(1, 2, 3))
    heard['nonsense for an edit'] = await two.heard(2)
    two.send('wire\0s2', sync, update, Y.encodeStateAsUpdateV2(edit.doc))
    heard['an edit in another encoding'] = await two.heard(2)
    two.send('wire\0s2', 77, 'what')
    heard['an unknown message'] = await two.heard(1)
    two.raw(Uint8Array.of(ping))
    heard['a ping'] = await two.heard(1)
    two.send('wire\0s2', auth, authType.token, envelope(writer))
    heard['a fresh token'] = await two.heard(1)

    two.send('wire\0s3', auth, authType.token, envelope(reader))
    two.send('wire\0s3', sync, step1, Y.encodeStateVector(edit.doc))
    two.send('wire\0s3', sync, step2, nothing)
    heard['a reader'] = await two.heard(5)
    two.send('wire\0s3', sync, update, anEdit(9, 'x').whole)
    heard["a reader's edit"] = await two.heard(2)
    two.send('wire\0s3', close)
    heard['a goodbye'] = await two.heard(1)
    two.send('wire\0s3', sync, update, anEdit(9, 'x').whole)
    heard['after the goodbye'] = await two.heard()

    two.send('wire\0s4', auth, authType.token, envelope(writer, '00000000-0000-4000-8000-000000000000'))
    heard['another history'] = await two.heard(1)
    two.send('wire\0s5', auth, authType.token, envelope('who am I?'))
    heard['a bad token'] = await two.heard(1)
    two.send('wire\0s6', auth, authType.token, 'tidemark/1 {')
    heard['a broken envelope'] = await two.heard(1)
    two.send('\0s7', auth, authType.token, envelope(writer))
    heard['no name'] = await two.heard(1)
    two.raw(Uint8Array.of(255, 255, 255))
    heard['no frame'] = await two.heard(1)
    heard['who leaves takes his presence along'] = await one.heard()

    await stage.kill()
    heard.killed = await one.heard(1)
    await stage.start()
    const three = await openWire(stage)
    three.send('wire\0s8', auth, authType.token, envelope(writer, one.epoch()))
    three.send('wire\0s8', sync, step1, Uint8Array.of(0))
    const cold = await three.heard(4)
    // the real server may send a document that it has just read twice
    heard['after a kill'] = cold.filter((what) => !what.startsWith('update'))
    return heard
  })
  expect(simulated).toEqual(real)
  expect(real['an edit']).toEqual(['saved'])
}, 90_000)
