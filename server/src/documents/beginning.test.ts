import { HocuspocusProvider } from '@hocuspocus/provider'
import { decodeServerMessage, encodeAuthEnvelope } from '@tidemark/shared'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { type Level, secret, token } from '../../../test/helpers/tokens.ts'
import { until } from '../../../test/helpers/until.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { LocalServer } from '../sockets/testing.ts'

let databaseUrl: string
let database: Database
let here: LocalServer
let there: LocalServer
let name: string
let count = 0

beforeAll(async () => {
  databaseUrl = await freshDatabase()
  database = await openDatabase({ databaseUrl }, () => {})
  here = await LocalServer.start(databaseUrl, { TIDEMARK_AUTH_SECRET: secret })
  there = await LocalServer.start(databaseUrl, { TIDEMARK_AUTH_SECRET: secret })
})

afterAll(async () => {
  await Promise.all([here[Symbol.asyncDispose](), there[Symbol.asyncDispose](), database.close()])
})

beforeEach(() => {
  name = `new ${count++}`
})

const rows = async (): Promise<number> =>
  (await database.kysely.selectFrom('documents').select('id').where('name', '=', name).execute()).length

const tokenOf = (level: Level) => token({ subject: level, documents: { '*': level } })

async function open(level: Level, server = here): Promise<HocuspocusProvider & AsyncDisposable> {
  const provider = new HocuspocusProvider({ url: server.sync, name, token: await tokenOf(level) })
  await until(`who may ${level} has it open`, () => provider.isSynced)
  return Object.assign(provider, {
    async [Symbol.asyncDispose]() {
      provider.destroy()
    },
  })
}

const textOf = ({ document }: HocuspocusProvider): string => document.getText('t').toString()

/** A Tidemark client, and the hellos that it heard. */
async function hellos(level: Level, epoch?: string) {
  const client = new RawClient(here.sync)
  await client.connected()
  const envelope = { protocol: 1, token: await tokenOf(level), ...(epoch === undefined ? {} : { epoch }) }
  client.authenticate(name, encodeAuthEnvelope(envelope))
  const heard = () =>
    client.said
      .map((said) => (said.kind === 'stateless' ? decodeServerMessage(said.payload) : null))
      .filter((message) => message?.tidemark === 'hello')
  return { client, heard, [Symbol.dispose]: () => client[Symbol.dispose]() }
}

describe('[S11] a document that is not there', () => {
  test('is empty for a reader, and nothing is made of it', async () => {
    await using reader = await open('read')
    expect(textOf(reader)).toBe('')
    reader.document.getText('t').insert(0, 'not mine to write')
    await using second = await open('read')
    expect(textOf(second)).toBe('')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await rows()).toBe(0)
  })

  test('begins with the first who may write, and the readers who are there see it', async () => {
    await using reader = await open('read')
    await using writer = await open('write')
    expect(await rows()).toBe(1)
    writer.document.getText('t').insert(0, 'the first')
    await until('it is stored', () => writer.unsyncedChanges === 0)
    await until('the reader has it', () => textOf(reader) === 'the first')
    reader.destroy()
    writer.destroy()
    await using later = await open('read', there)
    await until('it was stored', () => textOf(later) === 'the first')
  })

  test('begins once when many come at the same time', async () => {
    const people = await Promise.all(
      (['read', 'write', 'read', 'write', 'write', 'read', 'write'] as const).map((level) => open(level)),
    )
    people[1]!.document.getText('t').insert(0, 'x')
    await until('all have it', () => people.every((person) => textOf(person) === 'x'))
    expect(await rows()).toBe(1)
    for (const person of people) person.destroy()
  })

  test('is found by whoever comes next when another process has begun it meanwhile', async () => {
    await using early = await open('read')
    await using writer = await open('write', there)
    writer.document.getText('t').insert(0, 'written there')
    await until('it is stored', () => writer.unsyncedChanges === 0)
    await using late = await open('read')
    await until('both readers have it', () => textOf(late) === 'written there' && textOf(early) === 'written there')
    await using second = await open('write')
    second.document.getText('t').insert(0, 'and here: ')
    await until('it is stored', () => second.unsyncedChanges === 0)
    await until('the reader has it', () => textOf(early) === 'and here: written there')
    expect(await rows()).toBe(1)
  })

  test('[R9.1] has no epoch, and a reader is told of it when it begins; coming back with it, they are let in', async () => {
    using reader = await hellos('read')
    await until('the server says hello', () => reader.heard().length === 1)
    expect(reader.heard()).toMatchObject([{ level: 'read', revision: 0 }])
    expect(reader.heard()[0]).not.toHaveProperty('epoch')
    using writer = await hellos('write')
    await until('both are told of an epoch', () => reader.heard().length === 2 && writer.heard().length === 1)
    const [, { epoch } = { epoch: undefined }] = reader.heard() as { epoch?: string }[]
    expect(epoch).toMatch(/^[0-9a-f-]{36}$/)
    expect(writer.heard()).toMatchObject([{ epoch, level: 'write' }])
    using back = await hellos('read', epoch)
    await until('the server says hello', () => back.heard().length === 1)
    expect(back.client.has('denied')).toBe(false)
  })

  test('begins when a reader who has it open is given the right to write', async () => {
    using reader = await hellos('read')
    await until('the server says hello', () => reader.heard().length === 1)
    reader.client.authenticate(name, encodeAuthEnvelope({ protocol: 1, token: await token({ subject: 'read' }) }))
    await until('the level has changed', () => reader.heard().some((hello) => hello?.level === 'write'))
    expect(await rows()).toBe(1)
    await using other = await open('read')
    expect(textOf(other)).toBe('')
  })
})
