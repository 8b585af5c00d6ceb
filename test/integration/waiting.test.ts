import * as encoding from 'lib0/encoding'
import { expect, test } from 'vitest'
import { type Id, spellItem, spellUpdate } from '../fuzz/grammar/spell.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { ServerProcess } from '../helpers/server.ts'
import { until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

const document = 'plan'
const hostileClient = 4_000_000_000

test('[R6.30] [R1.1] what waits for somebody’s next edit, and cannot apply, takes nothing of theirs along', async () => {
  await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
  using honest = new Writer({ url: server.sync, document })
  await honest.synced()
  const edits = [honest.write()]
  await honest.drained()
  using hostile = await RawClient.open(server.sync, document)
  const next = { client: honest.doc.clientID, clock: honest.made }
  hostile.update(document, waitingFor(next, { client: hostileClient, clock: 7 }))
  await until('it is answered', () => hostile.has('status'))
  for (let count = 0; count < 5; count++) {
    edits.push(honest.write())
    await honest.drained()
  }
  await server.kill9()
  await server.start()
  expect(await readEdits({ url: server.sync, document })).toEqual(edits)
})

/** A letter that waits for `needed`, and behind it one that says that it stands on `other`. */
function waitingFor(needed: Id, other: Id): Uint8Array {
  const letter = (origin: Id) =>
    spellItem({
      info: 4 | 128,
      origin,
      rightOrigin: null,
      parent: '',
      key: '',
      content: (encoder) => encoding.writeVarString(encoder, 'a'),
    })
  return spellUpdate(
    [{ client: hostileClient, clock: 0, count: 2, structs: [letter(needed), letter(other)] }],
    new Map(),
  )
}
