import * as encoding from 'lib0/encoding'
import { expect, test } from 'vitest'
import { type Block, type Id, spellItem, spellRange, spellUpdate } from '../fuzz/grammar/spell.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { ServerProcess } from '../helpers/server.ts'
import { until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

const document = 'plan'
const client = 4_000_000_000

test.each([
  {
    what: '[R6.30] an item that stands on a later one',
    updates: (next: Id) => [update(0, text('a', next), text('b', { client, clock: 7 }))],
  },
  {
    what: '[R6.31] an item whose beginning is there, and was collected',
    updates: (next: Id) => [update(0, text('abcde', next)), update(0, spellRange(0, 2))],
  },
])('[R1.1] what waits for somebody’s next edit takes nothing of theirs along: $what', async ({ updates }) => {
  await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
  using honest = new Writer({ url: server.sync, document })
  await honest.synced()
  const edits = [honest.write()]
  await honest.drained()
  using hostile = await RawClient.open(server.sync, document)
  const next = { client: honest.doc.clientID, clock: honest.made }
  const sent = updates(next)
  for (const hostileUpdate of sent) hostile.update(document, hostileUpdate)
  const answers = () => hostile.said.filter(({ kind }) => kind === 'status').length
  await until('all is answered', () => answers() === sent.length)
  for (let count = 0; count < 5; count++) {
    edits.push(honest.write())
    await honest.drained()
  }
  await server.kill9()
  await server.start()
  expect(await readEdits({ url: server.sync, document })).toEqual(edits)
})

const update = (clock: number, ...structs: Block['structs']): Uint8Array =>
  spellUpdate([{ client, clock, count: structs.length, structs }], new Map())

const text = (letters: string, origin: Id): Block['structs'][number] =>
  spellItem({
    info: 4 | 128,
    origin,
    rightOrigin: null,
    parent: '',
    key: '',
    content: (encoder) => encoding.writeVarString(encoder, letters),
  })

test('[R6.32] a hundred thousand deletions of what nobody has are refused, and nobody’s next edits wait for them', async () => {
  await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
  using honest = new Writer({ url: server.sync, document })
  await honest.synced()
  using hostile = await RawClient.open(server.sync, document)
  const ranges = Array.from({ length: 100_000 }, (_, index) => ({ clock: 2 * index, length: 1 }))
  hostile.update(document, spellUpdate([], new Map([[client, ranges]])))
  expect(await hostile.reason('the deletions')).toBe('update-too-complex')
  hostile.update(document, spellUpdate([], new Map([[client, ranges.slice(0, 10)]])))
  await until('a few may wait', () => hostile.said.some((said) => said.kind === 'status' && said.saved))
  for (let count = 0; count < 20; count++) honest.write()
  await honest.drained()
  expect(await readEdits({ url: server.sync, document })).toEqual(honest.acknowledged)
})
