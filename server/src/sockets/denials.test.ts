import { expect, test } from 'vitest'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { secret, token } from '../../../test/helpers/tokens.ts'
import { until } from '../../../test/helpers/until.ts'
import { Denials } from './denials.ts'
import { LocalServer } from './testing.ts'

test('[R6.13] who is denied again and again is kept longer and longer, alone, and not for ever', () => {
  let now = 0
  const denials = new Denials(() => now)
  const next = (who: string) => denials.next(who)
  expect(Array.from({ length: 7 }, () => next('eve plan'))).toEqual([0, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000])
  expect(next('ada plan')).toBe(0)
  now += 61_000
  expect(next('eve plan'), 'that was long ago').toBe(0)
  for (let index = 0; index < 1_000; index++) denials.keep()
  expect(next('eve plan'), 'too many are kept already').toBe(0)
  denials.letGo()
  expect(next('eve plan')).toBe(2_000)
})

test('[R6.13] y-websocket with a token that has run out does not come back three times a second', async () => {
  await using server = await LocalServer.start(await freshDatabase(), { TIDEMARK_AUTH_SECRET: secret })
  const expired = await token({ expiresIn: -10 })
  /** How long one is kept that comes, and what it is told. */
  const visit = async (document: string) => {
    const start = performance.now()
    using client = new RawClient(`${server.yWebsocket}/${document}?token=${expired}`)
    const close = await until('it is closed', () => client.close)
    expect(close).toEqual({ code: 4401, reason: 'token-expired' })
    return performance.now() - start
  }
  expect(await visit('plan')).toBeLessThan(900)
  expect(await visit('plan')).toBeGreaterThan(900)
  expect(await visit('plan')).toBeGreaterThan(1_900)
  expect(await visit('notes')).toBeLessThan(900)
})

test('[R6.4] one document is open so many times on one socket, and no more', async () => {
  await using server = await LocalServer.start(await freshDatabase(), {})
  using client = await new RawClient(server.sync).connected()
  for (let index = 0; index < 25; index++) client.authenticate(`plan\0${index}`, 'anybody')
  client.authenticate('notes\0one', 'anybody')
  const of = (kind: string) => client.said.filter((said) => said.kind === kind)
  await until('all are answered', () => of('authenticated').length + of('denied').length === 26)
  expect(of('authenticated')).toHaveLength(21)
  expect(client.reasons).toEqual(Array(5).fill('too-many-documents'))
})
