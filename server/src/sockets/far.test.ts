import { syncType } from '@tidemark/shared'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'
import { behindRow, row } from '../../../test/bench/attacks/updates.ts'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { until } from '../../../test/helpers/until.ts'
import { LocalServer } from './testing.ts'

let server: LocalServer
beforeAll(async () => {
  server = await LocalServer.start(await freshDatabase(), {})
})
afterAll(async () => server?.[Symbol.asyncDispose]())

/** How many items each transaction in this process brings, from now on. */
function portions() {
  const counts = new Map<Y.Transaction, number>()
  const { integrate } = Y.Item.prototype
  Y.Item.prototype.integrate = function (this: Y.Item, transaction, known) {
    counts.set(transaction, (counts.get(transaction) ?? 0) + 1)
    integrate.call(this, transaction, known)
  }
  return {
    get all(): number[] {
      return [...counts.values()]
    },
    [Symbol.dispose]: () => {
      Y.Item.prototype.integrate = integrate
    },
  }
}

const answers = ({ said }: RawClient) => said.flatMap((said) => (said.kind === 'status' ? [said.saved] : []))
const updates = ({ said }: RawClient) =>
  said.flatMap((said) => (said.kind === 'sync' && said.type === syncType.update ? [said.payload] : []))

test('[R6.51] a small edit that passes many others is applied in turns, and told of as one', async () => {
  using eve = await RawClient.open(server.sync, 'plan')
  eve.update('plan', row(60_000))
  await until('the row is saved', () => answers(eve).length === 1, { timeout: 20_000 })
  using friend = await RawClient.open(server.sync, 'plan')
  const near = new Y.Doc()
  near.getText('text').insert(0, 'near')
  using counted = portions()
  const far = behindRow(100)
  expect(far.byteLength).toBeLessThan(2_000)
  eve.update('plan', far)
  // what comes behind it is small and near, and waits for it
  eve.update('plan', Y.encodeStateAsUpdate(near))
  await until('both are saved', () => answers(eve).length === 3, { timeout: 20_000 })
  expect(answers(eve)).toEqual([true, true, true])
  expect(counted.all.reduce((sum, count) => sum + count)).toBe(101)
  expect(Math.max(...counted.all)).toBeLessThanOrEqual(10)
  await until('the friend hears of both', () => updates(friend).length === 2)
  const copy = new Y.Doc()
  Y.applyUpdate(copy, row(60_000))
  for (const update of updates(friend)) Y.applyUpdate(copy, update)
  expect(copy.getArray('row').length).toBe(60_100)
  expect(copy.getText('text').toString()).toBe('near')
})
