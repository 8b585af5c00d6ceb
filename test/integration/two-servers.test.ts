import { HocuspocusProvider } from '@hocuspocus/provider'
import { expect, test } from 'vitest'
import { freshDatabase, query } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { until } from '../helpers/until.ts'

/** As in a rolling deploy: for a while two servers serve the same database. */
async function twoServers(): Promise<[ServerProcess, ServerProcess, string]> {
  const databaseUrl = await freshDatabase()
  // a snapshot as soon as one is due
  const env = { TIDEMARK_SNAPSHOT_DEBOUNCE_MS: '10', TIDEMARK_SNAPSHOT_MAX_DEBOUNCE_MS: '20' }
  return [await ServerProcess.start({ databaseUrl, env }), await ServerProcess.start({ databaseUrl, env }), databaseUrl]
}

async function open(server: ServerProcess, name: string): Promise<HocuspocusProvider> {
  const provider = new HocuspocusProvider({ url: server.sync, name, token: 'x' })
  await until('synced', () => provider.synced)
  return provider
}

const textOf = (provider: HocuspocusProvider) => provider.document.getText('text').toString()
const saved = (provider: HocuspocusProvider) => until('saved', () => !provider.hasUnsyncedChanges)

test('[R7.5] [R3] two servers on one Postgres never hide an edit that either of them acknowledged', async () => {
  const [first, second, databaseUrl] = await twoServers()
  await using _first = first
  await using _second = second
  const ada = await open(first, 'shared')
  const bob = await open(second, 'shared')
  bob.document.getText('text').insert(0, 'from the second server. ')
  await saved(bob)
  // enough for a snapshot of the first server, which has never heard of Bob's edit
  for (let index = 0; index < 300; index++) {
    ada.document.getText('text').insert(0, `${index} `)
    await saved(ada)
  }
  await until('a snapshot', async () => (await query(databaseUrl, 'select from tidemark_store.snapshots')).length > 0)
  await until("Ada sees Bob's edit", () => textOf(ada).includes('from the second server'))
  bob.document.getText('text').insert(0, 'again. ')
  await saved(bob)
  ada.destroy()
  bob.destroy()
  await first.kill9()
  await second.kill9()
  await first.start()
  const later = await open(first, 'shared')
  expect(textOf(later)).toContain('from the second server')
  expect(textOf(later)).toContain('again. ')
  for (const index of [0, 150, 299]) expect(textOf(later)).toContain(`${index} `)
  later.destroy()
  const revisions = await query<{ revision: string }>(
    databaseUrl,
    'select revision from tidemark_store.updates order by revision',
  )
  expect(revisions.map(({ revision }) => Number(revision))).toEqual(revisions.map((_, index) => index + 1))
})
