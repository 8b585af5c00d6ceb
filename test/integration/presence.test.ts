import { HocuspocusProvider } from '@hocuspocus/provider'
import { messageType } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import { freshDatabase } from '../helpers/postgres.ts'
import { processCost } from '../helpers/process-cost.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { ServerProcess } from '../helpers/server.ts'
import { secret, token } from '../helpers/tokens.ts'
import { until } from '../helpers/until.ts'

let server: ServerProcess

beforeAll(async () => {
  server = await ServerProcess.start()
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

/** All that somebody has seen. */
const seen = new Map<HocuspocusProvider, Set<string>>()

async function join(
  name: string,
  document: string,
  { sync = server.sync, token = name } = {},
): Promise<HocuspocusProvider> {
  const provider = new HocuspocusProvider({ url: sync, name: document, token })
  await until(`${name} is here`, () => provider.synced)
  provider.awareness?.setLocalStateField('user', { name })
  const names = new Set<string>()
  seen.set(provider, names)
  provider.awareness?.on('change', () => {
    for (const person of peopleSeenBy(provider)) names.add(person)
  })
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

test('[S7] nobody speaks for another user who is here; for themselves they do, from any of their sessions', async () => {
  await using secured = await ServerProcess.start({ secret, databaseUrl: await freshDatabase() })
  const { sync } = secured
  const adasToken = await token({ subject: 'ada' })
  const ada = await join('Ada', 'plan', { sync, token: adasToken })
  const bob = await join('Bob', 'plan', { sync, token: await token({ subject: 'bob' }) })
  await until('Bob sees Ada', () => peopleSeenBy(bob).join() === 'Ada,Bob')
  const client = ada.document.clientID
  using mallory = await RawClient.open(sync, 'plan', await token({ subject: 'mallory' }))
  mallory.presence('plan', [
    { client, clock: 1_000, state: { user: { name: 'Mallory as Ada' } } },
    { client: 7, clock: 1, state: { user: { name: 'Mallory' } } },
  ])
  await until('Bob sees Mallory', () => peopleSeenBy(bob).includes('Mallory'))
  mallory.presence('plan', [{ client, clock: 1_001, state: null }])
  using later = await RawClient.open(sync, 'plan', adasToken)
  later.presence('plan', [{ client, clock: 2_000, state: { user: { name: 'Ada, elsewhere' } } }])
  await until('Bob sees what Ada says in her other session', () => peopleSeenBy(bob).includes('Ada, elsewhere'))
  expect(peopleSeenBy(bob)).toEqual(['Ada, elsewhere', 'Bob', 'Mallory'])
  expect(seen.get(bob)).not.toContain('Mallory as Ada')
  for (const provider of [ada, bob]) provider.destroy()
})

test('[S7] whoever was here finds their place free when they come back: nobody took it, and no clock keeps them out', async () => {
  await using secured = await ServerProcess.start({ secret, databaseUrl: await freshDatabase() })
  const { sync } = secured
  const bob = await join('Bob', 'plan', { sync, token: await token({ subject: 'bob' }) })
  const adas = await token({ subject: 'ada' })
  const here = (at: RawClient, client: number, clock: number, name: string) =>
    at.presence('plan', [{ client, clock, state: { user: { name } } }])
  const ada = await RawClient.open(sync, 'plan', adas)
  here(ada, 77, 5, 'Ada')
  await until('Bob sees Ada', () => peopleSeenBy(bob).includes('Ada'))
  ada[Symbol.dispose]()
  await until('Bob sees Ada go', () => !peopleSeenBy(bob).includes('Ada'))
  using mallory = await RawClient.open(sync, 'plan', await token({ subject: 'mallory' }))
  here(mallory, 77, 2 ** 20, 'Mallory as Ada')
  here(mallory, 77, Number.MAX_SAFE_INTEGER, 'Mallory as Ada')
  here(mallory, 78, Number.MAX_SAFE_INTEGER, 'Mallory in the way')
  here(mallory, 79, 1, 'Mallory')
  await until('Bob sees Mallory', () => peopleSeenBy(bob).includes('Mallory'))
  using again = await RawClient.open(sync, 'plan', adas)
  here(again, 77, 6, 'Ada again')
  here(again, 78, 1, 'Ada, too')
  await until('Bob sees Ada', () => peopleSeenBy(bob).includes('Ada again') && peopleSeenBy(bob).includes('Ada, too'))
  expect(peopleSeenBy(bob)).toEqual(['Ada again', 'Ada, too', 'Bob', 'Mallory'])
  expect(mallory.reasons.filter((reason) => reason === 'presence-refused')).toHaveLength(1)
  bob.destroy()
})

test('[R6.40] what is too much in a presence is left out, told once, and disturbs nothing else of its session', async () => {
  const bob = await join('Bob', 'too-much')
  using ada = await RawClient.open(server.sync, 'too-much')
  const text = (name: string, more = '0') => `{"user":{"name":"${name}"},"more":${more}}`
  const deep = `${'['.repeat(7_000)}${']'.repeat(7_000)}`
  for (let clock = 1; clock <= 3; clock++) {
    ada.presenceTexts('too-much', [
      { client: 1, clock, text: text('Large', `"${'x'.repeat(16 * 1024)}"`) },
      { client: 2, clock, text: text('Deep', deep) },
      ...Array.from({ length: 300 }, (_, index) => ({ client: 1_000 + index, clock, text: text(`P${index}`) })),
    ])
  }
  await until('Bob sees as many as may be', () => peopleSeenBy(bob).length > 50)
  ada.presenceTexts('too-much', [{ client: 1_000, clock: 4, text: text('P0, later') }])
  await until('Bob sees the next state', () => peopleSeenBy(bob).includes('P0, later'))
  expect(peopleSeenBy(bob)).toHaveLength(101)
  expect(seen.get(bob)).not.toContain('Large')
  expect(seen.get(bob)).not.toContain('Deep')
  expect(ada.reasons).toEqual(['presence-refused'])
  expect(ada.close).toBeNull()
  bob.destroy()
})

test('[R6.40] what is no presence is refused, and nothing of its message counts', async () => {
  const bob = await join('Bob', 'no-presence')
  using mallory = await RawClient.open(server.sync, 'no-presence')
  const odd = [7, 0, '', false, 'text', ' null ']
  for (const [index, state] of odd.entries()) {
    const text = state === ' null ' ? state : JSON.stringify(state)
    mallory.presenceTexts('no-presence', [
      { client: 10 + index, clock: 1, text: '{"user":{"name":"Before"}}' },
      { client: 20 + index, clock: 1, text },
    ])
  }
  mallory.presenceTexts('no-presence', [{ client: 30, clock: 1, text: '{name}' }])
  mallory.presence('no-presence', [{ client: 40, clock: 1, state: { user: { name: 'Mallory' } } }])
  await until('Bob sees Mallory', () => peopleSeenBy(bob).includes('Mallory'))
  expect(peopleSeenBy(bob)).toEqual(['Bob', 'Mallory'])
  expect(mallory.reasons).toEqual(Array.from({ length: odd.length + 1 }, () => 'message-malformed'))
  bob.destroy()
})

test('[R6.40] floods of presence hold up nobody', async () => {
  const bob = await join('Bob', 'flooded')
  using mallory = await RawClient.open(server.sync, 'flooded')
  const before = processCost(server.pid)
  const people = Array.from({ length: 1_000 }, (_, index) => ({ client: 1_000 + index, clock: 1, state: { x: index } }))
  for (let clock = 1; clock <= 200; clock++) {
    mallory.presence(
      'flooded',
      people.map((person) => ({ ...person, clock })),
    )
  }
  // a question for who is here is never answered, and costs nothing
  for (let count = 0; count < 3_000; count++) {
    mallory.message('flooded', (encoder) => encoding.writeVarUint(encoder, messageType.queryAwareness))
  }
  mallory.presence('flooded', [{ client: 1_000, clock: 201, state: { user: { name: 'Mallory' } } }])
  await until('Bob sees Mallory', () => peopleSeenBy(bob).includes('Mallory'), { timeout: 20_000 })
  const after = processCost(server.pid)
  // it was 2,800 ms and 230 MB of presence, and as much for the questions
  expect(after.cpuMs - before.cpuMs).toBeLessThan(800)
  expect(after.residentBytes - before.residentBytes).toBeLessThan(150 * 2 ** 20)
  bob.destroy()
}, 60_000)
