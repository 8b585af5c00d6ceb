import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import type { TidemarkDocument } from '../document.ts'
import { createWorld, type World } from '../testing/world.ts'

const second = 1_000

function write(document: TidemarkDocument, text = 'x'): void {
  document.doc.getText('t').insert(0, text)
}

const saved = (world: World, name: string) => world.server.committed(name).getText('t').toString()

/** A device on which documents were edited with no network, in a tab that is gone. */
async function leftBehind(names: readonly string[]) {
  const world = createWorld()
  const laptop = world.device('laptop')
  laptop.goOffline()
  const tab = laptop.openTab()
  const client = tab.createClient()
  for (const name of names) write(client.open(name), name)
  await world.advanceTime(second)
  tab.crash()
  laptop.goOnline()
  return { world, laptop }
}

describe('[T4] [T5] [D3.3] catching up', () => {
  test('by default everything on this device that is pending, opened or not; what was opened for it is closed again', async () => {
    const { world, laptop } = await leftBehind(['a', 'b', 'c'])
    const client = laptop.openTab().createClient({ catchUp: 'manual' })
    const open = client.open('d')
    write(open, 'd')
    const results = client.catchUp()
    expect(await world.settle()).toBe(true)
    expect((await results).map(({ name, outcome }) => `${name} ${outcome}`).sort()).toEqual([
      'a saved',
      'b saved',
      'c saved',
      'd saved',
    ])
    for (const name of ['a', 'b', 'c', 'd']) expect(saved(world, name)).toBe(name)
    expect(client.documents).toEqual([open])
    expect(open.status.kind).toBe('saved')
    expect(laptop.stored('a')!.pendingCount).toBe(0)
  })

  test('the order is that of their priority: as it was opened with, as the app says, or as it is asked for', async () => {
    const { world, laptop } = await leftBehind(['a', 'b', 'c', 'd'])
    const client = laptop.openTab().createClient({ catchUp: 'manual', priorityOf: (name) => (name === 'c' ? 1 : 2) })
    void client.open('d', { priority: 0 }).close()
    await world.advanceTime(second)
    const opened: string[] = []
    client.on('opened', ({ name }) => opened.push(name))
    const all = client.catchUp()
    await world.advanceTime(5 * second)
    expect((await all).map(({ name }) => name).sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(opened).toEqual(['d', 'c', 'a', 'b'])
    opened.length = 0
    void client.catchUp({ documents: [{ name: 'a' }, { name: 'c' }, { name: 'b', priority: 0 }] })
    await world.advanceTime(5 * second)
    expect(opened).toEqual(['b', 'c', 'a'])
  })

  test('one that is refused holds up no other, and its edits stay', async () => {
    const { world, laptop } = await leftBehind(['a', 'b', 'c'])
    world.server.setLevel('read', 'b')
    const client = laptop.openTab().createClient({ catchUp: 'manual' })
    const results = client.catchUp()
    await world.advanceTime(5 * second)
    expect((await results).sort((one, other) => one.name.localeCompare(other.name))).toEqual([
      { name: 'a', outcome: 'saved' },
      { name: 'b', outcome: 'failed', error: expect.objectContaining({ code: 'read-only' }) },
      { name: 'c', outcome: 'saved' },
    ])
    expect(laptop.stored('b')!.pendingCount).toBe(1)
  })

  test('what the app opens meanwhile is the app’s: it stays open', async () => {
    const { world, laptop } = await leftBehind(['a'])
    const client = laptop.openTab().createClient({ catchUp: 'manual' })
    const results = client.catchUp()
    while (client.documents.length === 0) await world.advanceTime(1)
    const mine = client.open('a')
    expect(await world.settle()).toBe(true)
    await results
    expect(client.documents).toEqual([mine])
    write(mine, 'more ')
    expect(await world.settle()).toBe(true)
    expect(saved(world, 'a')).toBe('more a')
  })

  test('two who catch up at once share the flight, and neither closes it for the other', async () => {
    const { world, laptop } = await leftBehind(['a', 'b'])
    const client = laptop.openTab().createClient({ catchUp: 'manual' })
    const both = [client.catchUp(), client.catchUp()]
    await world.advanceTime(5 * second)
    for (const results of await Promise.all(both)) {
      expect(results.map(({ outcome }) => outcome)).toEqual(['saved', 'saved'])
    }
    expect(client.documents).toEqual([])
    expect(laptop.socketCount).toBe(0)
  })
})

describe('[H6] [R3.2] documents that nobody opens again', () => {
  test('what was pending at a crash is sent some seconds after the next connection, whatever is opened', async () => {
    const { world, laptop } = await leftBehind(['a', 'b'])
    const client = laptop.openTab().createClient()
    client.open('something else')
    await world.advanceTime(3 * second)
    expect([saved(world, 'a'), saved(world, 'b')]).toEqual(['', ''])
    await world.advanceTime(10 * second)
    expect([saved(world, 'a'), saved(world, 'b')]).toEqual(['a', 'b'])
    expect(client.documents.map(({ name }) => name)).toEqual(['something else'])
  })

  test('five tabs do it once', async () => {
    const { world, laptop } = await leftBehind(['a'])
    const clients = Array.from({ length: 5 }, () => laptop.openTab().createClient())
    const opened: string[] = []
    for (const client of clients) {
      client.open('something else')
      client.on('opened', ({ name }) => opened.push(name))
    }
    await world.advanceTime(120 * second)
    expect(opened).toEqual(['a'])
    expect(saved(world, 'a')).toBe('a')
  })

  test('[P7] what was closed in a tunnel is sent when the network is back', async () => {
    const world = createWorld()
    const laptop = world.device('laptop')
    const client = laptop.openTab().createClient()
    const kept = client.open('kept')
    const closed = client.open('closed')
    await world.settle()
    await world.advanceTime(10 * second)
    laptop.goOffline()
    write(closed, 'in the tunnel')
    void closed.close()
    await world.advanceTime(120 * second)
    expect(client.documents).toEqual([kept])
    laptop.goOnline()
    await world.advanceTime(70 * second)
    expect(saved(world, 'closed')).toBe('in the tunnel')
    expect(client.documents).toEqual([kept])
  })

  test('the same when nothing at all is open any more; a person’s affair is not tried for ever', async () => {
    const world = createWorld()
    const laptop = world.device('laptop')
    const client = laptop.openTab().createClient()
    const [mine, theirs] = [client.open('mine'), client.open('theirs')]
    await world.settle()
    laptop.goOffline()
    world.server.setLevel('read', 'theirs')
    for (const document of [mine, theirs]) write(document, document.name)
    await world.advanceTime(second)
    for (const document of [mine, theirs]) void document.close()
    await world.advanceTime(120 * second)
    laptop.goOnline()
    await world.advanceTime(120 * second)
    expect([saved(world, 'mine'), saved(world, 'theirs')]).toEqual(['mine', ''])
    expect(laptop.stored('theirs')!.pendingCount).toBe(1)
    const opened: string[] = []
    client.on('opened', ({ name }) => opened.push(name))
    await world.advanceTime(600 * second)
    expect([opened, laptop.socketCount]).toEqual([[], 0])
  })

  test('`manual`: only when the app says so', async () => {
    const { world, laptop } = await leftBehind(['a'])
    const client = laptop.openTab().createClient({ catchUp: 'manual' })
    client.open('something else')
    await world.advanceTime(300 * second)
    expect(saved(world, 'a')).toBe('')
  })
})

test('[H7] [R3.4] signing out sends what is pending in documents that are not open, and says what is left', async () => {
  const { world, laptop } = await leftBehind(['a', 'b'])
  world.server.setLevel('read', 'b')
  const client = laptop.openTab().createClient({ catchUp: 'manual' })
  const result = client.signOut()
  await world.advanceTime(10 * second)
  expect(await result).toEqual({ drained: false, wiped: false, remaining: [{ name: 'b', pendingCount: 1 }] })
  expect([saved(world, 'a'), saved(world, 'b')]).toEqual(['a', ''])
})

describe('[T4] a document that catching up has open, and that the app opens with a Y.Doc of its own', () => {
  async function borrowed(catchUp: 'auto' | 'manual' = 'manual') {
    const { world, laptop } = await leftBehind(['a'])
    const client = laptop.openTab().createClient({ catchUp })
    world.delayAcks(2_000)
    return { world, client }
  }

  test('is the app’s: nothing is lost, nothing is counted twice, and catching up says saved', async () => {
    const { world, client } = await borrowed()
    const results = client.catchUp()
    await world.advanceTime(500)
    const [lent] = client.documents
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'mine ')
    const mine = client.open('a', { doc })
    expect(mine.doc).toBe(doc)
    expect(lent!.isClosed).toBe(true)
    const heard: string[] = []
    mine.on('drained', () => heard.push('drained'))
    await world.advanceTime(200)
    expect(mine.pendingCount).toBe(2)
    expect(await world.settle()).toBe(true)
    expect(await results).toEqual([{ name: 'a', outcome: 'saved' }])
    expect(heard).toEqual(['drained'])
    expect(client.documents).toEqual([mine])
    expect(mine.isClosed).toBe(false)
    expect([...saved(world, 'a')].sort().join('')).toBe([...'mine a'].sort().join(''))
    expect(doc.getText('t').toString()).toBe(saved(world, 'a'))
  })

  test('at whatever moment', async () => {
    for (let moment = 0; moment <= 2_500; moment += 125) {
      const { world, client } = await borrowed()
      const results = client.catchUp()
      await world.advanceTime(moment)
      const mine = client.open('a', { doc: new Y.Doc() })
      expect(await world.settle()).toBe(true)
      expect(await results).toEqual([{ name: 'a', outcome: 'saved' }])
      expect([mine.isClosed, mine.pendingCount, mine.doc.getText('t').toString()]).toEqual([false, 0, 'a'])
    }
  })

  test('also while it catches up by itself', async () => {
    const { world, client } = await borrowed('auto')
    client.open('b')
    await world.advanceTime(6 * second)
    expect(client.documents.map(({ name }) => name).sort()).toEqual(['a', 'b'])
    const mine = client.open('a', { doc: new Y.Doc() })
    await world.settle()
    expect([mine.isClosed, mine.pendingCount, mine.doc.getText('t').toString()]).toEqual([false, 0, 'a'])
  })

  test('one that the app has open already stays as it is', async () => {
    const { world, client } = await borrowed()
    client.open('a')
    void client.catchUp()
    await world.advanceTime(500)
    expect(() => client.open('a', { doc: new Y.Doc() })).toThrow(
      expect.objectContaining({ code: 'configuration-invalid' }),
    )
  })
})
