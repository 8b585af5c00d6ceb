import { HocuspocusProvider } from '@hocuspocus/provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import { ServerProcess } from '../helpers/server.ts'
import { until } from '../helpers/until.ts'

let server: ServerProcess

beforeAll(async () => {
  server = await ServerProcess.start()
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

async function join(name: string, document: string): Promise<HocuspocusProvider> {
  const provider = new HocuspocusProvider({ url: server.sync, name: document, token: name })
  await until(`${name} is here`, () => provider.synced)
  provider.awareness?.setLocalStateField('user', { name })
  return provider
}

function peopleSeenBy(provider: HocuspocusProvider): string[] {
  const states = [...(provider.awareness?.getStates().values() ?? [])]
  return states.flatMap((state) => (state.user ? [state.user.name as string] : [])).sort()
}

test('[C5] somebody who lost the line and came back leaves no ghost when they go', async () => {
  const ada = await join('Ada', 'presence')
  const bob = await join('Bob', 'presence')
  await until('Ada sees Bob', () => peopleSeenBy(ada).includes('Bob'))
  bob.configuration.websocketProvider.webSocket?.close()
  await until('Ada sees Bob go', () => !peopleSeenBy(ada).includes('Bob'))
  await until('Bob is back', () => bob.synced)
  // stock clients say it again within 15 s; until then the others do not see them
  bob.awareness?.setLocalStateField('user', { name: 'Bob' })
  await until('Ada sees Bob come back', () => peopleSeenBy(ada).includes('Bob'))
  bob.destroy()
  await until('Ada sees Bob go for good', () => !peopleSeenBy(ada).includes('Bob'), { timeout: 3_000 })
  ada.destroy()
})

test('[C5] somebody whose page says goodbye is gone at once, though the socket is still open', async () => {
  const ada = await join('Ada', 'goodbye')
  const bob = await join('Bob', 'goodbye')
  await until('Ada sees Bob', () => peopleSeenBy(ada).includes('Bob'))
  bob.awareness?.setLocalState(null)
  await until('Ada sees Bob go', () => !peopleSeenBy(ada).includes('Bob'), { timeout: 3_000 })
  ada.awareness?.setLocalState(null)
  expect(bob.configuration.websocketProvider.status).toBe('connected')
  bob.destroy()
  ada.destroy()
})

test("[C5] [S4] nobody can take somebody else's presence away", async () => {
  const ada = await join('Ada', 'theft')
  const bob = await join('Bob', 'theft')
  await until('they see each other', () => peopleSeenBy(ada).length === 2 && peopleSeenBy(bob).length === 2)
  const mallory = await join('Mallory', 'theft')
  await until('Mallory sees them', () => peopleSeenBy(mallory).length === 3)
  mallory.awareness?.states.delete(ada.document.clientID)
  mallory.awareness?.emit('update', [{ added: [], updated: [], removed: [ada.document.clientID] }, 'mallory'])
  mallory.awareness?.setLocalStateField('user', { name: 'Mallory II' })
  await until('Bob sees the new name', () => peopleSeenBy(bob).includes('Mallory II'))
  expect(peopleSeenBy(bob)).toContain('Ada')
  for (const provider of [ada, bob, mallory]) provider.destroy()
})

test('[C5] [D1.6] somebody who is here by a new line stays when the old one is found to be dead', async () => {
  const ada = await join('Ada', 'moved')
  const old = await join('Bob', 'moved')
  await until('Ada sees Bob', () => peopleSeenBy(ada).includes('Bob'))
  // the same replica on another socket, while the server still believes in the first
  const anew = new HocuspocusProvider({
    url: server.sync,
    name: 'moved',
    token: 'Bob',
    document: old.document,
    awareness: new Awareness(old.document),
  })
  await until('Bob is here anew', () => anew.synced)
  for (let count = 0; count < 9; count++) anew.awareness?.setLocalStateField('user', { name: 'Bob', count })
  // once Ada has this, the new line has said that Bob is here
  anew.document.getText('t').insert(0, 'x')
  await until('Ada has it', () => ada.document.getText('t').length === 1)
  old.configuration.websocketProvider.disconnect()
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(peopleSeenBy(ada)).toContain('Bob')
  for (const provider of [ada, anew]) provider.destroy()
})
