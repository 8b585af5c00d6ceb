import 'fake-indexeddb/auto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { databaseName } from './store/names.ts'
import { personAt, write } from './test-helpers/person.ts'
import { until } from './test-helpers/until.ts'

const nowhere = 'ws://127.0.0.1:1/sync'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Somebody who has set a copy aside, and has written in the next one. */
async function someone() {
  const { client, namespace } = personAt(nowhere, { openTimeLimit: 500 })
  const first = client.open('plan')
  await first.whenLoaded
  write(first, 'old')
  await first.setAside()
  const document = client.open('plan')
  await document.whenLoaded
  write(document, 'new')
  await until('both are stored', async () => (await client.setAsideCopies()).length === 1)
  return { client, namespace, id: databaseName(namespace, 'plan') }
}

const failed = { code: 'local-storage-failed' }

describe('[R3.9] [R3.10] the browser does not say which databases there are', () => {
  test.each(['never answers', 'at the last moment'])('%s: signing out says that nothing was deleted', async (when) => {
    const { client } = await someone()
    const { databases } = indexedDB
    let answers = when === 'never answers' ? 0 : 2
    vi.spyOn(indexedDB, 'databases').mockImplementation(() =>
      answers-- > 0 ? databases.call(indexedDB) : new Promise(() => {}),
    )
    const result = await client.signOut({ flush: false, wipe: 'always' })
    expect(result).toMatchObject({ drained: false, wiped: false, error: failed })
    expect(result.remaining).toMatchObject([{ name: 'plan' }])
  })

  test('catching up and listing what was set aside fail with a code', async () => {
    const { client } = await someone()
    vi.spyOn(indexedDB, 'databases').mockImplementation(() => new Promise(() => {}))
    await expect(client.catchUp()).rejects.toMatchObject(failed)
    await expect(client.setAsideCopies()).rejects.toMatchObject(failed)
  })
})

test('[R3.9] a set-aside copy that is never opened: listing, reading and dropping fail with a code', async () => {
  const { client, id } = await someone()
  const { open } = indexedDB
  const silent = vi
    .spyOn(indexedDB, 'open')
    .mockImplementation((name, version) =>
      name === id ? ({} as IDBOpenDBRequest) : open.call(indexedDB, name, version),
    )
  await expect(client.setAsideCopies()).rejects.toMatchObject(failed)
  await expect(client.readSetAside(id)).rejects.toMatchObject(failed)
  await expect(client.dropSetAside(id)).rejects.toMatchObject(failed)
  silent.mockRestore()
  expect((await client.readSetAside(id)).getText('t').toString()).toBe('old')
})
