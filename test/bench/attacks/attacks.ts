import { connect } from 'node:net'
import { authType, messageType, syncType } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import { planOf } from '../../fuzz/plan.ts'
import { Hostile } from '../../fuzz/served/hostile.ts'
import { encoded } from '../../helpers/hostile-updates.ts'
import { Random } from '../../helpers/random.ts'
import { frame, RawClient } from '../../helpers/raw-client.ts'
import { pause } from '../../helpers/until.ts'
import * as updates from './updates.ts'

/** The server that is attacked, and the document in which somebody honest writes. */
export interface Victim {
  readonly url: string
  /** Where anybody may ask whether it is well. */
  readonly health: string
  readonly document: string
  /** What the honest writer's next edit will be. */
  readonly next: { readonly client: number; readonly clock: number }
}

export interface Attack {
  readonly name: string
  /** It is tried on PGlite, which is in Tidemark only. */
  readonly isOnPglite?: true
  /** @returns a function that ends it */
  begin(victim: Victim): Promise<() => void>
}

/** Somebody who may write sends a few updates. */
const sending = (name: string, make: (victim: Victim) => readonly Uint8Array[]): Attack => ({
  name,
  async begin(victim) {
    const sent = make(victim)
    const client = await RawClient.open(victim.url, victim.document)
    for (const update of sent) client.update(victim.document, update)
    return () => client[Symbol.dispose]()
  },
})

/** Somebody asks 3,000 things over HTTP in one moment. @param path '' for the server's health */
const asking = (name: string, path: (count: number) => string): Attack => ({
  name,
  async begin({ health }) {
    for (let count = 0; count < 3_000; count++) {
      void fetch(path(count) === '' ? health : new URL(path(count), health))
        .then((response) => response.arrayBuffer())
        .catch(() => {})
    }
    return () => {}
  },
})

/** 500 connections send much more than one request of HTTP at once. */
const packets = (name: string, line: string, make: (request: string) => string): Attack => ({
  name,
  async begin({ health }) {
    const { hostname, port, host } = new URL(health)
    const chunked = line.startsWith('POST') ? 'Transfer-Encoding: chunked\r\n' : ''
    const packet = make(`${line} HTTP/1.1\r\nHost: ${host}\r\n${chunked}\r\n`)
    const clients = Array.from({ length: 500 }, () => connect({ host: hostname, port: Number(port) }))
    for (const client of clients) client.on('error', () => {}).resume()
    await pause(500)
    for (const client of clients) client.write(packet)
    return () => {
      for (const client of clients) client.destroy()
    }
  },
})

export const attacks: readonly Attack[] = [
  sending('a value 100,000 deep', () => [updates.embedded()]),
  sending('the same beside what waits', () => [updates.embeddedAndDangling()]),
  sending('a trap for the next edit', ({ next }) => [updates.trap(next)]),
  sending('types 100,000 deep, deleted', () => updates.nested(100_000)),
  sending('200,000 documents in one', () => [updates.documents(200_000)]),
  sending('20,000 items at one place', () => [updates.conflicts(20_000)]),
  sending('400 letters, each past 900,000 others', () => [updates.row(900_000), updates.behindRow(400)]),
  sending('deletions of what is not there', () => [updates.deletions(1_000_000)]),
  {
    name: '1,500 questions for 2.4 MB, unread',
    async begin({ url }) {
      const writer = await RawClient.open(url, 'large')
      writer.update('large', updates.content(2_400_000))
      await pause(1_500)
      writer[Symbol.dispose]()
      const client = await RawClient.open(url, 'large')
      client.socket.pause()
      const question = frame('large', (encoder) => {
        encoding.writeVarUint(encoder, messageType.sync)
        encoding.writeVarUint(encoder, syncType.step1)
        encoding.writeVarUint8Array(encoder, Uint8Array.of(0))
      })
      for (let count = 0; count < 1_500; count++) client.raw(question)
      return () => client[Symbol.dispose]()
    },
  },
  {
    name: 'ten tokens of 15 MB',
    async begin({ url, document }) {
      const token = `tidemark/1 {"x":[${'{},'.repeat(5_000_000)}{}]}`
      const message = frame(document, (encoder) => {
        encoding.writeVarUint(encoder, messageType.auth)
        encoding.writeVarUint(encoder, authType.token)
        encoding.writeVarString(encoder, token)
        encoding.writeVarString(encoder, 'bench')
      })
      const clients = await Promise.all(Array.from({ length: 10 }, () => new RawClient(url).connected()))
      for (const client of clients) client.raw(message)
      return () => {
        for (const client of clients) client[Symbol.dispose]()
      }
    },
  },
  {
    name: '200 messages of 1,000 people',
    async begin({ url, document }) {
      const client = await RawClient.open(url, document)
      for (let message = 0; message < 200; message++) client.raw(crowd(document, message * 1_000))
      return () => client[Symbol.dispose]()
    },
  },
  asking('3,000 questions for its health', () => ''),
  asking('3,000 requests for the admin page', () => '/admin'),
  asking('3,000 searches for documents', (count) => `/api/documents?search=${count}`),
  packets('500 packets of 1,000 requests', 'GET /livez', (request) => request.repeat(1_000)),
  packets('500 bodies of 20,000 chunks', 'POST /', (request) => request + '1\r\nx\r\n'.repeat(20_000)),
  {
    name: 'an honest document of 20 MB on PGlite',
    isOnPglite: true,
    async begin({ url }) {
      const client = await RawClient.open(url, 'large')
      for (let part = 0; part < 10; part++) client.update('large', updates.content(2_000_000))
      return () => client[Symbol.dispose]()
    },
  },
  {
    name: '5,000 frames of the fuzzer',
    async begin({ url, document }) {
      const documents = [document, 'beside']
      const hostile = new Hostile(url, documents, String)
      const plan = planOf(new Random(1), { frames: 5_000, sockets: 24, documents, honest: [] })
      for (const step of plan) await hostile.perform(step)
      return () => hostile[Symbol.dispose]()
    },
  },
]

function crowd(document: string, first: number): Uint8Array {
  const states = encoded((encoder) => {
    encoding.writeVarUint(encoder, 1_000)
    for (let client = first; client < first + 1_000; client++) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarString(encoder, '{"user":{"name":"somebody who is nobody"}}')
    }
  })
  return frame(document, (encoder) => {
    encoding.writeVarUint(encoder, messageType.awareness)
    encoding.writeVarUint8Array(encoder, states)
  })
}
