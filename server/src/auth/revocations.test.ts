import type { Clock, TidemarkError } from '@tidemark/shared'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { secret, type TokenClaims, token } from '../../../test/helpers/tokens.ts'
import { until } from '../../../test/helpers/until.ts'
import { openDatabase } from '../database/database.ts'
import { LocalServer } from '../sockets/testing.ts'
import { Revocations } from './revocations.ts'

const everywhere = { documents: { '*': 'admin' } } as const

describe('[S8] on two nodes', () => {
  let databaseUrl: string
  let here: LocalServer
  let there: LocalServer

  beforeAll(async () => {
    databaseUrl = await freshDatabase()
    const env = { TIDEMARK_AUTH_SECRET: secret }
    here = await LocalServer.start(databaseUrl, env)
    there = await LocalServer.start(databaseUrl, env)
  })

  afterAll(async () => {
    await Promise.all([here[Symbol.asyncDispose](), there[Symbol.asyncDispose]()])
  })

  const open = async (server: LocalServer, claims: TokenClaims, epoch?: string) =>
    RawClient.open(server.sync, 'plan', await token(claims), epoch)

  /** How long it takes until the client is told that its access is gone, in ms. */
  async function goneAfter(client: RawClient, since: number): Promise<number> {
    await until('the session ends', () => client.reasons.includes('token-revoked'), { timeout: 5_000 })
    return performance.now() - since
  }

  test('a person who is revoked is gone from both within a second, and stays out with every token; others stay', async () => {
    using ada = await open(here, { subject: 'ada' })
    using adaThere = await open(there, { subject: 'ada', id: 'another' })
    using ben = await open(there, { subject: 'ben' })
    const since = performance.now()
    await here.revocations.revoke({ userId: 'ada' })
    expect(await goneAfter(ada, since)).toBeLessThan(1_000)
    expect(await goneAfter(adaThere, since)).toBeLessThan(1_000)
    expect(ada.close).toMatchObject({ code: 4201, reason: 'token-revoked' })
    for (const server of [here, there]) {
      using again = await open(server, { subject: 'ada', id: 'fresh' })
      expect(again.reasons).toEqual(['token-revoked'])
      const answer = await fetch(`${server.http}/api/documents`, {
        headers: { authorization: `Bearer ${await token({ subject: 'ada', ...everywhere })}` },
      })
      expect(answer.status).toBe(401)
    }
    expect(ben.reasons).toEqual([])
    await there.revocations.restore({ userId: 'ada' })
    await until('she may come in again', async () => {
      using again = await open(here, { subject: 'ada' })
      return again.has('authenticated')
    })
  })

  test('one token is revoked by its id, and the other sessions of its person stay', async () => {
    using lost = await open(there, { subject: 'cleo', id: 'phone' })
    using kept = await open(there, { subject: 'cleo', id: 'desk' })
    const since = performance.now()
    await here.revocations.revoke({ tokenId: 'phone' })
    expect(await goneAfter(lost, since)).toBeLessThan(1_000)
    expect(kept.reasons).toEqual([])
    using again = await open(there, { subject: 'cleo', id: 'phone' })
    expect(again.reasons).toEqual(['token-revoked'])
  })

  test('a Tidemark session is ended by itself, and the others of its socket go on', async () => {
    using writer = await open(there, { subject: 'ben' })
    const database = await openDatabase({ databaseUrl }, () => {})
    const [row] = await database.kysely.selectFrom('documents').select('epoch').where('name', '=', 'plan').execute()
    await database.close()
    // two people on one socket, as no client of ours has them
    using client = new RawClient(there.sync)
    await client.connected()
    client.authenticate('plan\0doras', await token({ subject: 'dora' }), row!.epoch)
    client.authenticate('plan\0eves', await token({ subject: 'eve' }), row!.epoch)
    const updates = () => client.said.filter((said) => said.kind === 'sync' && said.type === 2).length
    const write = async (text: string, received: number) => {
      const doc = new Y.Doc()
      doc.getText('t').insert(0, text)
      const before = updates()
      writer.update('plan', Y.encodeStateAsUpdate(doc))
      await until('it is received', () => updates() - before >= received)
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(updates() - before).toBe(received)
    }
    await until('both are in', () => client.said.filter(({ kind }) => kind === 'stateless').length === 2)
    await write('for both', 2)
    await here.revocations.revoke({ userId: 'dora' })
    await until('the session is closed', () => client.has('closed'))
    expect(client.reasons.filter((reason) => reason !== '')).toEqual(['token-revoked', 'token-revoked'])
    await write('for Eve', 1)
    expect(client.close).toBeNull()
  })

  test('what is revoked is stored: a node that starts later knows it, and forgets what is over', async () => {
    await here.revocations.revoke({ userId: 'fritz' })
    await here.revocations.revoke({ userId: 'gerda' }, { until: Date.now() + 60_000 })
    await here.revocations.revoke({ userId: 'hans' }, { until: Date.now() - 1 })
    await using later = await LocalServer.start(databaseUrl, { TIDEMARK_AUTH_SECRET: secret })
    for (const [subject, reasons] of [
      ['fritz', ['token-revoked']],
      ['gerda', ['token-revoked']],
      ['hans', []],
    ] as const) {
      using client = await open(later, { subject })
      expect(client.reasons).toEqual(reasons)
    }
    const database = await openDatabase({ databaseUrl }, () => {})
    await here.revocations.revoke({ userId: 'ida' }, { until: Date.now() - 2 * 60 * 60 * 1000 })
    await here.revocations.revoke({ userId: 'jan' })
    const rows = await database.run<{ subject: string }>(
      { name: 'all', text: 'select subject from tidemark_store.revocations' },
      [],
    )
    await database.close()
    expect(rows.map(({ subject }) => subject)).not.toContain('ida')
    expect(rows.map(({ subject }) => subject)).toContain('jan')
  })

  test('nobody is revoked by what no token can say', async () => {
    for (const wrong of [{ userId: '' }, { userId: 'a\0' }, { tokenId: '\ud800' }]) {
      await expect(here.revocations.revoke(wrong)).rejects.toMatchObject({ code: 'value-invalid' })
    }
  })
})

/** A database that answers, or does not, and time that a test moves. */
function world() {
  let now = 1_000_000
  let isAway = false
  let due: (() => void) | null = null
  const failures: unknown[] = []
  const clock: Clock = {
    now: () => now,
    random: () => 0.5,
    after(_delay, callback) {
      due = callback
      return () => {
        due = null
      }
    },
  }
  const run = async <Row>({ name }: { name: string }) => {
    if (isAway) throw new Error('away')
    return (name === 'tidemark-revocations' ? [{ now, changed: '[]' }] : []) as Row[]
  }
  const parts = {
    database: { kind: 'postgres' as const, questions: { run } },
    clock,
    onFailure: failures.push.bind(failures),
  }
  return {
    parts,
    failures,
    goAway: (away: boolean) => {
      isAway = away
    },
    async pass(ms: number) {
      now += ms
      const callback = due
      due = null
      callback?.()
      await new Promise(setImmediate)
    },
    isIdle: () => due === null,
  }
}

const ada = { userId: 'ada', tokenId: null }
const codeOf = (act: () => void): string | null => {
  try {
    act()
    return null
  } catch (error) {
    return (error as TidemarkError).code
  }
}

test('[S8] while the database is away those who are here stay, newcomers come in for a minute, and then it cannot be known', async () => {
  const { parts, failures, goAway, pass } = world()
  const revocations = await Revocations.open(parts)
  goAway(true)
  for (let seconds = 0; seconds < 59; seconds++) await pass(1_000)
  expect(codeOf(() => revocations.check(ada))).toBeNull()
  await pass(2_000)
  expect(codeOf(() => revocations.check(ada))).toBe('storage-unavailable')
  expect(revocations.isRevoked(ada)).toBe(false)
  // told once, not sixty times
  expect(failures).toHaveLength(1)
  goAway(false)
  await pass(1_000)
  expect(codeOf(() => revocations.check(ada))).toBeNull()
  revocations.close()
})

test('[S8] what cannot be stored is told to whoever revokes, and is in effect here all the same', async () => {
  const { parts, goAway } = world()
  const revocations = await Revocations.open(parts)
  let ended = 0
  revocations.changed = () => ended++
  goAway(true)
  await expect(revocations.revoke({ userId: 'ada' })).rejects.toMatchObject({ code: 'storage-unavailable' })
  expect(codeOf(() => revocations.check(ada))).toBe('token-revoked')
  expect(ended).toBe(1)
  revocations.close()
})

test('[S8] a server does not start without knowing; one that is closed asks nothing more', async () => {
  const { parts, goAway, isIdle, pass } = world()
  goAway(true)
  await expect(Revocations.open(parts)).rejects.toThrow('away')
  goAway(false)
  const revocations = await Revocations.open(parts)
  await pass(1_000)
  expect(isIdle()).toBe(false)
  revocations.close()
  expect(isIdle()).toBe(true)
})
