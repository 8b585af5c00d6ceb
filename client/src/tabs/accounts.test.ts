import { describe, expect, test } from 'vitest'
import type { TidemarkDocument } from '../index.ts'
import { createWorld, type Tab, type TabClientOptions } from '../testing/index.ts'

/** What a server would sign: only the claims matter here. */
function tokenOf(sub: string): string {
  return `e30.${btoa(JSON.stringify({ sub })).replace(/=+$/, '')}.c2ln`
}

function write(document: TidemarkDocument, text: string): void {
  const body = document.doc.getText('t')
  body.insert(body.length, text)
}

const textOf = (document: TidemarkDocument) => document.doc.getText('t').toString()

/** A device that two people use at once, in one namespace; the server notes with whose token it got what. */
function shared() {
  const allowed = new Set<string>()
  const world = createWorld({
    seed: 5,
    authorise: (token) => {
      const { sub } = JSON.parse(atob(String(token).split('.')[1] ?? '') || '{}') as { sub?: string }
      if (allowed.size > 0 && !allowed.has(sub ?? '')) return 'permission-denied'
      return 'write'
    },
  })
  const device = world.device('laptop')
  const open = (auth: TabClientOptions['auth'], tab: Tab = device.openTab()) => {
    const document = tab.createClient({ auth: auth!, namespace: 'tidemark' }).open('plan')
    const errors: string[] = []
    document.on('error', ({ code }) => errors.push(code))
    return { tab, document, errors }
  }
  const committed = () => world.server.committed('plan').getText('t').toString()
  return { world, device, open, committed, allowed }
}

describe('[D3.6] two accounts at once in one namespace', () => {
  test('each has a leader of its own: what one wrote is never sent with the other’s token, nor called saved by it', async () => {
    const { world, open, committed, allowed } = shared()
    const ada = open(() => tokenOf('ada'))
    await world.settle()
    const ben = open(() => tokenOf('ben'))
    await world.settle()
    expect([ada.document.isLeader, ben.document.isLeader]).toEqual([true, true])
    // from here on the server takes nothing of Ben's
    allowed.add('ada')
    world.server.dropSockets()
    await world.advanceTime(5_000)
    write(ben.document, 'ben')
    write(ada.document, 'ada')
    await world.advanceTime(5_000)
    expect(committed()).toBe('ada')
    expect(ada.document.status.kind).toBe('saved')
    expect(ben.document.pendingCount).toBe(1)
    expect(ben.document.status.kind).not.toBe('saved')
    allowed.add('ben')
    ben.document.retry()
    await world.settle()
    expect([...committed()].sort().join('')).toBe('aabden')
    expect([ada.document.status.kind, ben.document.status.kind]).toEqual(['saved', 'saved'])
    expect(textOf(ada.document)).toBe(textOf(ben.document))
  })

  test('[R9.1] [R9.2] what one account’s tab had read of a history that is over does not go out with the other’s token', async () => {
    const { world, device, open, committed } = shared()
    device.goOffline()
    const ada = open(() => tokenOf('ada'))
    write(ada.document, 'ada')
    await world.advanceTime(100)
    const ben = open(() => tokenOf('ben'))
    await world.advanceTime(100)
    expect([textOf(ben.document), ben.document.isSetAside]).toEqual(['ada', false])
    // saved by its author, while the other one waits for that
    device.goOnline()
    await world.advanceTime(3_000)
    expect([committed(), ben.document.status.kind]).toEqual(['ada', 'error'])
    ada.tab.crash()
    world.server.resetDocument('plan')
    await world.advanceTime(60_000)
    expect([committed(), ben.document.isSetAside]).toEqual(['', true])
    expect(device.setAside('plan').map(({ doc }) => doc.getText('t').toString())).toEqual(['ada'])
  })

  test('a tab that opens while another account has edits pending is told at once, and goes on when they are saved', async () => {
    const { world, device, open, committed, allowed } = shared()
    const ada = open(() => tokenOf('ada'))
    await world.settle()
    allowed.add('ben')
    device.cutConnections()
    write(ada.document, 'ada')
    await world.advanceTime(3_000)
    const ben = open(() => tokenOf('ben'))
    await world.advanceTime(1_000)
    expect(ben.errors).toEqual(['account-mismatch'])
    write(ben.document, ' ben')
    await world.advanceTime(10_000)
    expect(committed()).toBe('')
    expect(ben.document.status.kind).toBe('error')
    allowed.add('ada')
    ada.document.retry()
    await world.advanceTime(15_000)
    await world.settle()
    expect(committed()).toBe('ada ben')
    expect([ada.document.pendingCount, ben.document.pendingCount]).toEqual([0, 0])
    expect(ben.errors).toEqual(['account-mismatch'])
  })

  test('a second tab of one account, opened while another has edits pending, brings none of them to its running leader', async () => {
    const { world, open, committed } = shared()
    const ada = open(() => tokenOf('ada'))
    await world.settle()
    const ben = open(() => tokenOf('ben'))
    await world.settle()
    ada.document.disconnect()
    await world.settle()
    write(ada.document, 'ada')
    await world.advanceTime(3_000)
    expect(ada.document.pendingCount).toBe(1)
    expect(ben.document.status.kind).toBe('saved')
    open(() => tokenOf('ben'))
    await world.advanceTime(5_000)
    expect(committed()).toBe('')
    expect(ada.document.pendingCount).toBe(1)
  })

  test('a token of somebody else, where the old one’s edits are pending in a follower, sends none of them', async () => {
    const { world, open, committed, device } = shared()
    let who = 'ada'
    const one = open(() => tokenOf(who))
    const two = open(() => tokenOf('ada'))
    await world.settle()
    world.goOffline()
    const follower = one.document.isLeader ? two : one
    const leader = one.document.isLeader ? one : two
    write(follower.document, 'ada')
    await world.advanceTime(100)
    who = 'ben'
    if (leader !== one) throw new Error('the first one leads')
    one.tab.close()
    const ben = open(() => tokenOf('ben'))
    await world.advanceTime(1_000)
    two.tab.crash()
    world.goOnline()
    await world.settle()
    expect(committed()).toBe('')
    expect(ben.errors).toContain('account-mismatch')
    expect(device.stored('plan')?.pendingCount).toBe(1)
  })

  test('the caretaker of one account does not take up what another has pending', async () => {
    const { world, open, committed, allowed } = shared()
    const ada = open(() => tokenOf('ada'))
    const ben = open(() => tokenOf('ben'))
    await world.settle()
    allowed.add('ben')
    world.server.dropSockets()
    await world.advanceTime(2_000)
    for (let edit = 0; edit < 60; edit++) write(ada.document, 'a')
    for (let edit = 0; edit < 60; edit++) write(ben.document, 'b')
    await world.advanceTime(20_000)
    expect(committed()).not.toContain('a')
  })
})

describe('[D3.6] a token that is not to be had, or does not say whose it is', () => {
  test('without a network the tabs of a person have each other’s edits all the same, and go on together with it', async () => {
    const { world, open, committed } = shared()
    world.goOffline()
    let isOnline = false
    const auth = () => (isOnline ? Promise.resolve(tokenOf('ada')) : Promise.reject(new TypeError('fetch failed')))
    const [one, two] = [open(auth), open(auth)]
    await world.advanceTime(1_000)
    write(one.document, 'one ')
    await world.advanceTime(50)
    write(two.document, 'two')
    await world.advanceTime(50)
    expect([textOf(one.document), textOf(two.document)]).toEqual(['one two', 'one two'])
    isOnline = true
    world.goOnline()
    await world.settle()
    await world.advanceTime(20_000)
    expect(committed()).toBe('one two')
    expect([one.document.status.kind, two.document.status.kind]).toEqual(['saved', 'saved'])
    expect([one, two].filter(({ document }) => document.isLeader)).toHaveLength(1)
  })

  test('tabs whose tokens say nothing share one leader', async () => {
    const { world, open } = shared()
    const tabs = [open(() => ''), open(() => '')]
    await world.settle()
    expect(tabs.filter(({ document }) => document.isLeader)).toHaveLength(1)
  })

  test('a slow token moves the tab to its own people when it comes', async () => {
    const { world, open } = shared()
    const ada = open(() => tokenOf('ada'))
    const answer = Promise.withResolvers<string>()
    await world.settle()
    const slow = open(() => answer.promise)
    await world.advanceTime(2_000)
    write(slow.document, 'slow')
    answer.resolve(tokenOf('ada'))
    await world.settle()
    expect([ada, slow].filter(({ document }) => document.isLeader)).toHaveLength(1)
    expect(textOf(ada.document)).toBe('slow')
    expect(slow.document.status.kind).toBe('saved')
  })
})

test.each([
  ['typing before it is loaded', true],
  ['typing afterwards', false],
])(
  '[D3.6] [R3.5] what a page could not keep for one person is not sent for the next one in it, %s',
  async (_, isHasty) => {
    const { world, device, open, committed } = shared()
    device.failStore('broken')
    const ada = open(() => tokenOf('ada'))
    await world.settle()
    world.goOffline()
    write(ada.document, 'ada')
    const closing = ada.document.close()
    await world.advanceTime(10_000)
    expect(await closing).toEqual({ unkept: 1 })
    world.goOnline()
    const ben = open(() => tokenOf('ben'), ada.tab)
    if (!isHasty) await world.settle()
    write(ben.document, 'ben')
    await world.settle()
    expect([committed(), textOf(ben.document), ben.document.status.kind]).toEqual(['ben', 'ben', 'saved'])
    const again = open(() => tokenOf('ada'), ada.tab)
    await world.settle()
    expect([...committed()].sort().join('')).toBe([...'adaben'].sort().join(''))
    expect(again.document.status.kind).toBe('saved')
  },
)
