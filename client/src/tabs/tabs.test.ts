import 'fake-indexeddb/auto'
import { describe, expect, onTestFinished, test } from 'vitest'
import type * as Y from 'yjs'
import { openDatabase, resultOf, updatesStore } from '../store/idb.ts'
import { listenTo, type Person, personAt, textOf, write } from '../test-helpers/person.ts'
import { type StockServer, startStockServer } from '../test-helpers/stock-server.ts'
import { until } from '../test-helpers/until.ts'
import { browserWorld } from './browser-world.ts'
import { meetingName } from './messages.ts'
import type { PageEvents, TabWorld } from './world.ts'

let devices = 0

/** Tabs of one browser: Node has real Web Locks and a real BroadcastChannel; only the page is held by the test. */
function device(server: { readonly url: string }) {
  const namespace = `device${++devices}`
  return {
    namespace,
    tab(isVisible = true) {
      const page = handPage(isVisible)
      const tabs: TabWorld = { ...browserWorld, page }
      const person: Person = personAt(server.url, { namespace, tabs })
      const document = person.client.open('plan')
      const { client, line } = person
      return { ...{ client, line, document, page }, heard: listenTo(document) }
    },
  }
}

/** Two tabs of one browser, when both have compared with the server. */
async function twoTabs(server: StockServer) {
  const { tab } = device(server)
  const [one, two] = [tab(), tab()]
  await Promise.all([one.document.whenSynced, two.document.whenSynced])
  return one.document.isLeader ? { leader: one, follower: two } : { leader: two, follower: one }
}

function handPage(isVisible: boolean) {
  const listeners = new Set<PageEvents>()
  return {
    isVisible,
    listen(on: PageEvents) {
      listeners.add(on)
      return () => listeners.delete(on)
    },
    show(isNow: boolean) {
      this.isVisible = isNow
      for (const { visibilityChanged } of listeners) visibilityChanged()
    },
    stop() {
      for (const { stopping } of listeners) stopping()
    },
  }
}

async function rowsOf(namespace: string): Promise<number> {
  const { database } = await openDatabase(`${namespace}:plan`)
  const count = await resultOf(database.transaction(updatesStore).objectStore(updatesStore).count())
  database.close()
  return count
}

const socketsOf = (server: StockServer) => server.server.hocuspocus.getConnectionsCount()
const committed = (server: StockServer) =>
  (server.server.hocuspocus.documents.get('plan') as Y.Doc | undefined)?.getText('t').toString()

describe('[C8] tabs of one browser', () => {
  test('[D1.1] [D1.2] one socket carries the document, and every tab has every edit', async () => {
    await using server = await startStockServer()
    const { tab } = device(server)
    const tabs = [tab(), tab(), tab(), tab(), tab()]
    await Promise.all(tabs.map(({ document }) => document.whenLoaded))
    for (const [index, { document }] of tabs.entries()) write(document, String(index))
    await until('all have it', () => tabs.every(({ document }) => textOf(document).length === 5))
    await Promise.all(tabs.map(({ document }) => document.flush()))
    await until('all say so', () => tabs.every(({ document }) => document.status.kind === 'saved'))
    expect(new Set(tabs.map(({ document }) => textOf(document))).size).toBe(1)
    expect(tabs.flatMap(({ line }) => line.urls)).toHaveLength(1)
    expect(socketsOf(server)).toBe(1)
    expect(tabs.filter(({ document }) => document.isLeader)).toHaveLength(1)
    expect(committed(server)).toBe(textOf(tabs[0]!.document))
  })

  test('[P2] [D1.2] with the server gone they see each other’s edits at once', async () => {
    const { tab } = device({ url: 'ws://127.0.0.1:1/sync' })
    const [one, two] = [tab(), tab()]
    await Promise.all([one.document.whenLoaded, two.document.whenLoaded])
    write(one.document, 'from one ')
    await until('two has it', () => textOf(two.document) === 'from one ')
    write(two.document, 'from two')
    await until('one has it', () => textOf(one.document) === 'from one from two')
    // and a third one that is opened later
    const three = tab()
    await until('three has it', () => textOf(three.document) === 'from one from two')
  })

  test('[D1.3] each edit is stored once, whichever tab it was made in, and so is what the server sends', async () => {
    await using server = await startStockServer()
    const { tab, namespace } = device(server)
    const tabs = [tab(), tab(), tab()]
    await Promise.all(tabs.map(({ document }) => document.whenSynced))
    for (let round = 0; round < 10; round++) for (const { document } of tabs) write(document, 'x')
    await Promise.all(tabs.map(({ document }) => document.flush()))
    expect(await rowsOf(namespace)).toBe(30)
    const other = device(server).tab()
    await other.document.whenSynced
    for (let edit = 0; edit < 10; edit++) {
      write(other.document, 'y')
      await other.document.flush()
    }
    await until('all have it', () => tabs.every(({ document }) => textOf(document).length === 40))
    await until('it is stored', async () => (await rowsOf(namespace)) >= 40)
    expect(await rowsOf(namespace)).toBe(40)
  })

  test('[D1.5] [R4.1] pending and drained are the same in every tab, and exact', async () => {
    await using server = await startStockServer()
    const { leader, follower } = await twoTabs(server)
    leader.line.holds = ({ kind }) => kind === 'sync-status'
    write(follower.document, 'a')
    write(follower.document, 'b')
    write(leader.document, 'c')
    expect(follower.document.pendingCount).toBe(2)
    await until('both count three', () => leader.document.pendingCount === 3 && follower.document.pendingCount === 3)
    expect([leader.heard.drained, follower.heard.drained]).toEqual([0, 0])
    await until('the server has it', () => committed(server)?.length === 3)
    expect(follower.document.status.kind).toBe('syncing')
    leader.line.release()
    await until('both are drained', () => leader.heard.drained === 1 && follower.heard.drained === 1)
    expect([leader.document.status.kind, follower.document.status.kind]).toEqual(['saved', 'saved'])
    expect([leader.document.lastSavedAt, follower.document.lastSavedAt]).not.toContain(null)
  })

  test('[D1.4] [R3] the leader is closed while all write: another goes on, nothing is lost or doubled', async () => {
    await using server = await startStockServer()
    const { tab } = device(server)
    const tabs = [tab(), tab(), tab()]
    await Promise.all(tabs.map(({ document }) => document.whenSynced))
    for (let round = 0; round < 30; round++) {
      for (const { document } of tabs) {
        if (!(round >= 15 && document === tabs[0]!.document))
          write(document, `${tabs.findIndex((t) => t.document === document)}`)
      }
      if (round === 15) await tabs[0]!.document.close()
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const rest = tabs.slice(1)
    await Promise.all(rest.map(({ document }) => document.flush()))
    const text = committed(server)!
    expect([text.match(/0/g)?.length, text.match(/1/g)?.length, text.match(/2/g)?.length]).toEqual([15, 30, 30])
    await until('both have it', () => rest.every(({ document }) => textOf(document) === text))
    await until('both are saved', () => rest.every(({ document }) => document.status.kind === 'saved'))
    expect(rest.map(({ document }) => document.pendingCount)).toEqual([0, 0])
  })

  test('[D1.4] a visible tab leads rather than a hidden one', async () => {
    await using server = await startStockServer()
    const { tab } = device(server)
    const hidden = tab(false)
    await hidden.document.whenSynced
    expect(hidden.document.isLeader).toBe(true)
    const visible = tab()
    await until('the visible one leads', () => visible.document.isLeader && !hidden.document.isLeader, 2_000)
    write(hidden.document, 'still ')
    await hidden.document.flush()
    // the person turns to the first one
    visible.page.show(false)
    hidden.page.show(true)
    await until('it leads again', () => hidden.document.isLeader && !visible.document.isLeader, 2_000)
    write(visible.document, 'here')
    await visible.document.flush()
    expect(committed(server)).toBe('still here')
    await until('one socket is left', () => socketsOf(server) === 1)
  })

  test('[D1.4] a tab that is being frozen hands over at once', async () => {
    await using server = await startStockServer()
    const { tab } = device(server)
    const first = tab()
    await first.document.whenSynced
    const second = tab()
    await second.document.whenSynced
    first.page.stop()
    await until('the other one leads', () => second.document.isLeader, 1_000)
    write(second.document, 'on')
    await second.document.flush()
    expect(committed(server)).toBe('on')
  })

  test('[C5] [D1.6] presence: tabs see each other, others see them, and one is gone when it is closed, even if it led', async () => {
    await using server = await startStockServer()
    const { tab } = device(server)
    const tabs = [tab(), tab()]
    const other = device(server).tab()
    for (const [index, { document }] of [...tabs, other].entries()) document.awareness.setLocalStateField('tab', index)
    const seenBy = ({ document }: typeof other) =>
      [...document.awareness.getStates().values()].map(({ tab }) => tab as number).sort()
    for (const each of [...tabs, other]) await until('everybody is seen', () => seenBy(each).join() === '0,1,2')
    const leader = tabs.find(({ document }) => document.isLeader)!
    const follower = tabs.find(({ document }) => !document.isLeader)!
    await leader.document.close()
    const left = tabs.indexOf(follower)
    await until(
      'the others go on',
      () => seenBy(other).join() === `${left},2` && seenBy(follower).join() === `${left},2`,
    )
  })

  test('[R2.3] flush and retry of a tab that does not lead reach the one that does', async () => {
    await using server = await startStockServer()
    const { leader, follower } = await twoTabs(server)
    leader.line.isDown = true
    leader.line.cut()
    write(follower.document, 'x')
    await until('both are offline', () => follower.document.connectionStatus !== 'connected')
    leader.line.isDown = false
    await follower.document.flush()
    expect(committed(server)).toBe('x')
  })

  test('[D1.7] tabs of another version are neither heard nor disturbed', async () => {
    await using server = await startStockServer()
    const { tab, namespace } = device(server)
    const mine = tab()
    await mine.document.whenSynced
    const name = meetingName({ server: server.url, account: null, copy: `${namespace}:plan` })
    const other = new BroadcastChannel(name.replace('/2:', '/99:'))
    onTestFinished(() => other.close())
    const nonsense = new BroadcastChannel(name)
    onTestFinished(() => nonsense.close())
    for (const message of [null, 7, 'hello', {}, { type: 'edit' }, { type: 'unheard-of', from: 'x' }]) {
      nonsense.postMessage(message)
    }
    nonsense.postMessage({ type: 'edit', from: 'x', position: 1, update: Uint8Array.of(9, 9, 9) })
    write(mine.document, 'well')
    await mine.document.flush()
    expect(mine.heard.errors).toEqual([])
    expect(mine.document.pendingCount).toBe(0)
  })

  test('[D1.10] tabs of two servers do not meet, though namespace and document have the same names', async () => {
    await using first = await startStockServer()
    await using second = await startStockServer()
    const namespace = `two-servers${++devices}`
    const at = (server: StockServer) => personAt(server.url, { namespace }).client.open('plan')
    const [one, two] = [at(first), at(second)]
    await Promise.all([one.whenSynced, two.whenSynced])
    expect([one.isLeader, two.isLeader]).toEqual([true, true])
    write(one, 'first')
    await one.flush()
    await two.flush()
    expect([committed(first), committed(second)]).toEqual(['first', ''])
    expect(textOf(two)).toBe('')
  })
})
