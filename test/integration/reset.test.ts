import { HocuspocusProvider } from '@hocuspocus/provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, query } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { until } from '../helpers/until.ts'

let databaseUrl: string
let server: ServerProcess

beforeAll(async () => {
  databaseUrl = await freshDatabase()
  server = await ServerProcess.start({ databaseUrl })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

test('[R9.2] [R9.3] [R6] a document that is reset while people write in it goes on, with what is stored', async () => {
  const ada = new HocuspocusProvider({ url: server.sync, name: 'reset', token: 'ada' })
  const other = new HocuspocusProvider({ url: server.sync, name: 'untouched', token: 'bob' })
  await until('both are here', () => ada.synced && other.synced)
  ada.document.getText('text').insert(0, 'before ')
  await until('saved', () => !ada.hasUnsyncedChanges)
  await query(databaseUrl, `update tidemark_store.documents set epoch = gen_random_uuid() where name = 'reset'`)
  ada.document.getText('text').insert(0, 'after ')
  await until('Ada was sent away and is back, and her edit is saved', () => ada.synced && !ada.hasUnsyncedChanges)
  const [row] = await query<{ head: string }>(
    databaseUrl,
    `select head from tidemark_store.documents where name = 'reset'`,
  )
  expect(Number(row?.head)).toBeGreaterThan(1)
  other.document.getText('text').insert(0, 'never noticed')
  await until('the other document is saved', () => !other.hasUnsyncedChanges)
  expect(server.log.filter(({ code }) => code === 'epoch-mismatch')).toMatchObject([{ document: 'reset' }])
  ada.destroy()
  other.destroy()
})
