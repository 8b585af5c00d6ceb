import { expect, test } from 'vitest'
import type { Tab } from '../../helpers/tab.ts'
import { pause, until } from '../../helpers/until.ts'
import { allHold, Desk, editsAt, numbered } from './desk.ts'

/** What the tab sees of the document once it has opened it anew. */
async function openAnew(tab: Tab): Promise<string[]> {
  const edits = await tab.page.evaluate(async () => {
    const document = window.opened.client.open('plan')
    await document.whenSynced
    return document.doc.getArray<string>('edits').toArray()
  })
  return edits.map((edit) => edit.split('@')[0]!)
}

const setAsideCopies = (tab: Tab) =>
  tab.page.evaluate(async () => {
    const { client } = window.opened
    const copies = await client.setAsideCopies()
    return Promise.all(
      copies.map(async ({ id, document, reason, pendingCount }) => {
        const doc = await client.readSetAside(id)
        const edits = doc.getArray<string>('edits').toArray()
        return { id, document, reason, pendingCount, edits: edits.map((edit) => edit.split('@')[0]!).sort() }
      }),
    )
  })

const isTold = (tab: Tab) =>
  until('the tab is told that its copy was set aside', async () =>
    (await tab.read(({ noted }) => noted.map(({ event }) => event))).includes('set-aside'),
  )

test('[B2] [R9.2] [R9.4] [R9.5] the server was reset between two openings: nothing doubles, and nothing is lost', async () => {
  await using desk = await Desk.start()
  const first = await desk.tab('tab-0')
  await first.write(3)
  await first.becomes('saved')
  await desk.server.kill9()
  await first.write()
  await pause(500)
  await first.close()
  await desk.resetServer()
  // somebody has restored the document by hand: the same text, another history
  using peer = await desk.peer()
  peer.edits.push(numbered('tab-0', 3))
  await peer.drained()

  const second = await desk.tab('again')
  await isTold(second)
  await pause(500)
  expect(editsAt(peer)).toEqual(numbered('tab-0', 3))
  expect(await openAnew(second)).toEqual(numbered('tab-0', 3))
  const [copy, ...more] = await setAsideCopies(second)
  expect(more).toEqual([])
  expect(copy).toMatchObject({ document: 'plan', reason: 'epoch-mismatch', pendingCount: 1 })
  expect(copy!.edits).toEqual(numbered('tab-0', 4))

  // the person takes over what only the old copy has, and drops the rest
  await second.page.evaluate(async (id) => {
    const { client } = window.opened
    const old = (await client.readSetAside(id)).getArray<string>('edits').toArray()
    client.open('plan').doc.getArray('edits').push(old.slice(3))
    await client.dropSetAside(id)
  }, copy!.id)
  await until('it is saved', () => editsAt(peer).length === 4)
  expect(editsAt(peer)).toEqual(numbered('tab-0', 4))
  expect(await setAsideCopies(second)).toEqual([])
})

test('[B2] [R9.4] the server was reset while two tabs are open: both are told, one copy is set aside, nothing doubles', async () => {
  await using desk = await Desk.start()
  const tabs = await desk.tabs(2)
  for (const tab of tabs) await tab.write(2)
  for (const tab of tabs) await tab.becomes('saved')
  await desk.server.kill9()
  for (const tab of tabs) await tab.write()
  const all = [...numbered('tab-0', 3), ...numbered('tab-1', 3)]
  await allHold(tabs, all)
  await pause(500)
  await desk.resetServer()
  for (const tab of tabs) await isTold(tab)
  for (const tab of tabs) expect(await openAnew(tab)).toEqual([])
  using peer = await desk.peer()
  peer.write()
  for (const tab of tabs) await until('both go on with the new one', async () => (await openAnew(tab)).length === 1)
  expect(editsAt(peer)).toEqual(['peer#0'])
  expect(await setAsideCopies(tabs[0]!)).toMatchObject([{ pendingCount: 2, edits: all }])
})

test('[R9.7] what one tab has set aside is not sent by another that was disconnected, nor by one that is opened meanwhile', async () => {
  await using desk = await Desk.start()
  const [first, second] = (await desk.tabs(2)) as [Tab, Tab]
  await desk.server.kill9()
  await second.write(2)
  await allHold([first, second], numbered('tab-1', 2))
  // IndexedDB has a moment
  await pause(500)
  await second.page.evaluate(() => window.opened.document.disconnect())
  await pause(200)
  await first.page.evaluate(() => window.opened.document.setAside())
  await second.write()
  await pause(500)
  await first.close()
  await desk.server.start()
  await second.page.evaluate(() => window.opened.document.connect())
  await isTold(second)
  using peer = await desk.peer()
  await pause(1500)
  expect(editsAt(peer)).toEqual([])
  expect(await openAnew(second)).toEqual([])
  expect(await setAsideCopies(second)).toMatchObject([{ reason: 'discarded', edits: numbered('tab-1', 3) }])
})
