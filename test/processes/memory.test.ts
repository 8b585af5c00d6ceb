import { syncType } from '@tidemark/shared'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { manyStructs } from '../helpers/many-structs.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { ServerProcess } from '../helpers/server.ts'
import { until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

const env = { NODE_OPTIONS: '--max-old-space-size=256' }
/** Of 0.4 MB as they are sent, and of some 11 MB in memory. */
const letters = 50_000
const client = 7

/** @returns whether it was saved */
async function send(server: ServerProcess, document: string, from: number): Promise<boolean> {
  using writer = await RawClient.open(server.sync, document)
  writer.update(document, manyStructs('letter', { client, from, count: letters }))
  const answer = await until(
    `an answer in ${document}`,
    () => {
      if (!server.running) throw new Error(`the server ended:\n${server.output.slice(-2_000)}`)
      return writer.said.find((said) => said.kind === 'status')
    },
    { timeout: 30_000 },
  )
  if (!answer.saved) expect(writer.reasons.at(-1)).toMatch(/^(document-too-large|server-busy)$/)
  return answer.saved
}

/** @returns how many letters a document has for whoever opens it */
async function lettersIn(server: ServerProcess, document: string): Promise<number> {
  using reader = await RawClient.open(server.sync, document)
  reader.sync(document, syncType.step1, Uint8Array.of(0))
  const answer = await until(
    `${document} opens`,
    () => reader.said.find((said) => said.kind === 'sync' && said.type === syncType.step2),
    { timeout: 30_000 },
  )
  if (answer.kind !== 'sync') throw new Error('until answered something else')
  return Y.decodeStateVector(Y.encodeStateVectorFromUpdate(answer.payload)).get(client) ?? 0
}

test('[R6.55] [R6.56] [R1] documents that are filled with little things are refused in time: the process lives, others write on, and what was acknowledged opens after kill -9', {
  timeout: 240_000,
}, async () => {
  await using server = await ServerProcess.start({ env })
  using honest = new Writer({ url: server.sync, document: 'honest' })
  await honest.synced()
  const documents = ['one', 'two', 'three', 'four', 'five']
  // who keeps them open, so that none leaves memory
  const holders = await Promise.all(documents.map((document) => RawClient.open(server.sync, document)))
  const acknowledged = new Map(documents.map((document) => [document, 0]))
  const edits: string[] = []
  for (const document of documents) {
    for (let isSaved = true; isSaved; ) {
      const from = acknowledged.get(document) as number
      expect(from).toBeLessThan(1_000_000)
      isSaved = await send(server, document, from)
      if (isSaved) acknowledged.set(document, from + letters)
      edits.push(honest.write())
    }
  }
  await honest.drained(15_000)
  // two fifths of the heap in one, seven tenths in all
  const all = [...acknowledged.values()]
  expect(all[0]).toBeGreaterThanOrEqual(200_000)
  expect(all[0]).toBeLessThanOrEqual(300_000)
  const sum = all.reduce((one, other) => one + other)
  expect(sum).toBeGreaterThanOrEqual(400_000)
  expect(sum).toBeLessThanOrEqual(500_000)
  for (const holder of holders) holder[Symbol.dispose]()
  await server.restart()
  for (const [document, count] of acknowledged) {
    if (count > 0) expect(await lettersIn(server, document), document).toBe(count)
  }
  expect(await readEdits({ url: server.sync, document: 'honest' })).toEqual(edits)
})
