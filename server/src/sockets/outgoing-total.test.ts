import { expect, test } from 'vitest'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { pause, until } from '../../../test/helpers/until.ts'
import { Writer } from '../../../test/helpers/writer.ts'
import { OutgoingTotal } from './outgoing-total.ts'
import { LocalServer } from './testing.ts'

test('[R6.4] beyond what may wait for all clients together those go for whom most waits', () => {
  const gone: string[] = []
  const total = new OutgoingTotal(100)
  const named = (name: string) => ({ letGo: () => void gone.push(name) })
  const [slow, slower, slowest] = [named('slow'), named('slower'), named('slowest')]
  total.set(slow, 20)
  total.set(slowest, 50)
  total.set(slower, 30)
  expect(gone).toEqual([])
  total.set(slow, 21)
  expect(gone).toEqual(['slowest'])
  expect(total.bytes).toBe(51)
  total.set(slower, 0)
  total.set(slower, 0)
  total.set(slow, 90)
  expect([gone, total.bytes]).toEqual([['slowest'], 90])
})

test('[R6.4] readers who do not read are let go before they cost more than that; who reads gets everything', async () => {
  await using server = await LocalServer.start(await freshDatabase(), { TIDEMARK_LIMIT_OUTGOING_BYTES: '16MiB' })
  using author = new Writer({ url: server.sync, document: 'plan' })
  await author.synced()
  using honest = new Writer({ url: server.sync, document: 'plan' })
  await honest.synced()
  const readers = await Promise.all(Array.from({ length: 8 }, () => RawClient.open(server.sync, 'plan')))
  try {
    for (const { socket } of readers) socket.pause()
    for (let index = 0; index < 12; index++) {
      author.edits.push(['y'.repeat(1_000_000)])
      await pause(50)
    }
    await until('the honest one has it all', () => honest.edits.length === 12)
    for (const { socket } of readers) socket.resume()
    await until('some of them were let go', () => readers.filter(({ close }) => close).length > 3)
    expect(honest.closes).toEqual([])
  } finally {
    for (const reader of readers) reader[Symbol.dispose]()
  }
})
