import { createClient } from '@tidemark/client'
import { expect, test } from 'vitest'
import { freshDatabase } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { until } from '../helpers/until.ts'
import { Writer } from '../helpers/writer.ts'

const limit = 128 * 1024
const filling = (share: number, letter = 'x') => letter.repeat(Math.round(limit * share))

test('[R8.5] a Tidemark client whose edit had no room: removing something is enough, its status says when all is saved', async () => {
  const env = { TIDEMARK_LIMIT_DOCUMENT_BYTES: String(limit) }
  await using server = await ServerProcess.start({ databaseUrl: await freshDatabase(), env })
  const client = createClient({
    url: server.sync,
    auth: async () => 'x',
    log: () => {},
    retry: { kind: 'steps', delays: [100], jitter: false },
  })
  const document = client.open('plan')
  const text = document.doc.getText('text')
  await document.whenSynced
  text.insert(0, filling(0.9))
  await until('saved', () => document.status.kind === 'saved')
  text.insert(text.length, filling(0.3, 'r'))
  await until('it is refused', () => document.status.kind === 'error')
  expect(document.status).toMatchObject({ error: { code: 'document-too-large' } })
  text.delete(0, limit / 2)
  await until('saved', () => document.status.kind === 'saved', { timeout: 15_000 })
  using reader = new Writer({ url: server.sync, document: 'plan' })
  await reader.synced()
  expect(reader.doc.getText('text').toString()).toBe(text.toString())
  await client.close()
})
