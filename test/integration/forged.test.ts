import { expect, test } from 'vitest'
import { spellRange, spellUpdate } from '../fuzz/grammar/spell.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { ServerProcess } from '../helpers/server.ts'
import { secret, token } from '../helpers/tokens.ts'
import { until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

const document = 'plan'

test('[S10] [R1.1] who writes as somebody else’s client is refused, and the other’s next edits are saved', async () => {
  await using server = await ServerProcess.start({ secret, databaseUrl: await freshDatabase() })
  const honestToken = await token({ subject: 'ada' })
  using honest = new Writer({ url: server.sync, document, token: honestToken })
  await honest.synced()
  const edits = [honest.write()]
  await honest.drained()
  using hostile = await RawClient.open(server.sync, document, await token({ subject: 'mallory' }))
  const client = honest.doc.clientID
  const hole = spellUpdate([{ client, clock: honest.made, count: 1, structs: [spellRange(0, 1_000)] }], new Map())
  hostile.update(document, hole)
  // on its way when the hole arrives
  edits.push(honest.write())
  await until('it is answered', () => hostile.has('status'))
  expect(hostile.reasons).toContain('update-malformed')
  for (let count = 0; count < 5; count++) edits.push(honest.write())
  await honest.drained()
  expect(honest.doc.clientID).toBe(client)
  await server.kill9()
  await server.start()
  expect(await readEdits({ url: server.sync, document, token: honestToken })).toEqual(edits)
})
