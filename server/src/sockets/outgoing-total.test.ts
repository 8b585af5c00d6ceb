import { describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { RawClient } from '../../../test/helpers/raw-client.ts'
import { pause, until } from '../../../test/helpers/until.ts'
import { Writer } from '../../../test/helpers/writer.ts'
import { OutgoingTotal } from './outgoing-total.ts'
import { LocalServer } from './testing.ts'

const mib = 1024 * 1024

test('[R6.4] beyond what may wait for all clients together those go for whom most waits', () => {
  const gone: string[] = []
  const total = new OutgoingTotal(100)
  const named = (name: string) => ({ letGo: () => void gone.push(name), bound: 100, left: 0 })
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

describe('[R6.42] an answer is counted before it is built', () => {
  function world(limit: number) {
    const total = new OutgoingTotal(limit, 20)
    const gone: string[] = []
    const named = (name: string) => {
      const socket = {
        bound: 10 * mib,
        left: 0,
        letGo() {
          gone.push(name)
          total.forget(socket)
        },
      }
      return socket
    }
    return { total, gone, named }
  }

  test('twice, until it is sent; and not begun while there is no room', async () => {
    const { total, named } = world(40 * mib)
    const [ada, ben, eve] = [named('ada'), named('ben'), named('eve')]
    const first = total.room(ada, 15 * mib)
    expect(total.bytes).toBe(30 * mib)
    expect(total.room(ben, 8 * mib)).toBeNull()
    expect(total.room(eve, 100_000), 'who needs little does not wait').not.toBeNull()
    const second = total.whenRoom(ben, 8 * mib)
    first?.leave()
    total.set(ada, 15 * mib)
    expect(await second).not.toBeNull()
    expect(total.bytes).toBe(31 * mib + 200_000)
    ;(await second)?.leave()
    total.forget(ada)
    expect(total.bytes).toBe(200_000)
  })

  test('what is larger than all that may wait has its turn when nothing else waits', async () => {
    const { total, named } = world(10 * mib)
    const ada = named('ada')
    expect(total.room(ada, 50 * mib)).not.toBeNull()
  })

  test('for a socket for which too much waits already none is built, and the others do not wait for it', async () => {
    const { total, named } = world(1_000 * mib)
    const [eve, ada] = [named('eve'), named('ada')]
    total.set(eve, 9 * mib)
    let hasRoom = false
    const later = total.whenRoom(eve, 2 * mib).then((room) => {
      hasRoom = true
      return room
    })
    expect(await total.whenRoom(ada, 2 * mib)).not.toBeNull()
    expect(hasRoom).toBe(false)
    total.set(eve, 0)
    expect(await later).not.toBeNull()
  })

  test('who is gone gets none, and what was to be theirs is the others’', async () => {
    const { total, named } = world(10 * mib)
    const [ada, eve, ben] = [named('ada'), named('eve'), named('ben')]
    const room = total.room(ada, 4 * mib)
    const [first, second] = [total.whenRoom(eve, 5 * mib), total.whenRoom(ben, 1 * mib)]
    total.forget(eve)
    expect(await first).toBeNull()
    room?.leave()
    expect(await second).not.toBeNull()
  })

  test('while others wait for room, who does not read is let go; who reads stays', async () => {
    const { total, gone, named } = world(40 * mib)
    const [eve, ada, ben] = [named('eve'), named('ada'), named('ben')]
    total.set(eve, 20 * mib)
    total.set(ada, 19 * mib)
    eve.left = 20 * mib
    ada.left = 19 * mib
    const reading = setInterval(() => {
      ada.left -= 100_000
    }, 5)
    try {
      await pause(100)
      expect(gone, 'nobody waits').toEqual([])
      expect(await total.whenRoom(ben, 2 * mib)).not.toBeNull()
      expect(gone).toEqual(['eve'])
    } finally {
      clearInterval(reading)
    }
  })
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
