import 'fake-indexeddb/auto'
import { expect, test } from 'vitest'
import { personAt, textOf, write } from '../test-helpers/person.ts'
import { startStockServer } from '../test-helpers/stock-server.ts'

test('[R9.6] signing out counts what is pending in a copy that was set aside as remaining, and does not wipe it', async () => {
  await using server = await startStockServer()
  const { client, namespace } = personAt(server.url)
  const document = client.open('plan')
  await document.whenSynced
  document.disconnect()
  write(document, 'never sent')
  await document.setAside()
  await document.close()
  const anew = client.open('plan')
  await anew.whenSynced
  expect(textOf(anew)).toBe('')
  expect(await client.signOut()).toEqual({
    drained: false,
    wiped: false,
    remaining: [{ name: 'plan', pendingCount: 1 }],
  })

  const again = personAt(server.url, { namespace })
  const [copy] = await again.client.setAsideCopies()
  expect(copy).toMatchObject({ document: 'plan', reason: 'discarded', pendingCount: 1 })
  await again.client.dropSetAside(copy!.id)
  expect(await again.client.signOut()).toEqual({ drained: true, wiped: true, remaining: [] })
})
