import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { freshDatabase } from '../helpers/postgres.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { ServerProcess } from '../helpers/server.ts'
import { until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

const document = 'plan'
const mostLevels = 500

test.each([
  { order: 'in their order', sort: (updates: Uint8Array[]) => updates },
  { order: 'the innermost first, which wait for the others', sort: (updates: Uint8Array[]) => updates.reverse() },
])(
  '[R6.20] [R1.1] updates that are too deep only together, $order: nobody gets them, nothing else is lost',
  async ({ sort }) => {
    await using server = await ServerProcess.start({ databaseUrl: await freshDatabase() })
    using honest = new Writer({ url: server.sync, document })
    await honest.synced()
    const before = honest.write()
    await honest.drained()
    using hostile = await RawClient.open(server.sync, document)
    for (const update of sort(nestedInParts(10, 400))) hostile.update(document, update)
    await until('it is refused, or the document is given up', () =>
      hostile.reasons.some((reason) => reason === 'update-too-complex' || reason === 'document-write-failed'),
    )
    const after = honest.write()
    await honest.drained(20_000)
    expect(deepest(honest.doc)).toBeLessThanOrEqual(mostLevels)
    await server.kill9()
    await server.start()
    expect(await readEdits({ url: server.sync, document })).toEqual([before, after])
  },
)

/** Arrays within arrays, so many in each of several updates. */
function nestedInParts(parts: number, levels: number): Uint8Array[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  let innermost = doc.getArray<unknown>('deep')
  const nest = () => {
    for (let level = 0; level < levels; level++) {
      const next = new Y.Array<unknown>()
      innermost.push([next])
      innermost = next
    }
  }
  for (let part = 0; part < parts; part++) doc.transact(nest)
  return updates
}

function deepest(doc: Y.Doc): number {
  let depth = 0
  let array: unknown = doc.getArray('deep')
  while (array instanceof Y.Array && array.length > 0) {
    array = array.get(0)
    depth++
  }
  return depth
}
