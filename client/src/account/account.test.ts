import { describe, expect, test } from 'vitest'
import type { TidemarkClient, TidemarkDocument } from '../index.ts'
import { createWorld, type Tab, type TabClientOptions } from '../testing/index.ts'
import { keyOf, namespaceOf, sharedNamespace } from './names.ts'

/** What a server would sign: only the claims matter here. */
function tokenOf(sub: string, until?: number): string {
  const exp = until === undefined ? {} : { exp: until / 1_000 }
  return `e30.${btoa(JSON.stringify({ sub, ...exp })).replace(/=+$/, '')}.c2ln`
}

function write(document: TidemarkDocument, text: string): void {
  const body = document.doc.getText('t')
  body.insert(body.length, text)
}

const textOf = (document: TidemarkDocument) => document.doc.getText('t').toString()
const ada = namespaceOf(keyOf('ada'))
const ben = namespaceOf(keyOf('ben'))
const noNetwork = () => Promise.reject(new TypeError('fetch failed'))

/** A browser that several people use, whose app names no namespace. */
function browser() {
  const world = createWorld({ seed: 11 })
  const device = world.device('laptop')
  function open(
    auth: TabClientOptions['auth'],
    { tab = device.openTab(), ...options }: TabClientOptions & { tab?: Tab } = {},
  ) {
    const client = tab.createClient({ auth: auth!, ...options })
    const document = client.open('plan')
    const errors: string[] = []
    document.on('error', ({ code }) => errors.push(code))
    return { tab, client, document, errors }
  }
  const committed = () => world.server.committed('plan').getText('t').toString()
  const stored = (namespace: string, name = 'plan') =>
    device.stored(name, namespace)?.doc.getText('t').toString() ?? null
  /** Somebody writes without a network in the namespace that all shared, as before each account had its own. */
  async function wroteBefore(text: string, who: string | null, name = 'plan') {
    const { network } = device
    device.goOffline()
    const tab = device.openTab()
    const auth = who === null ? noNetwork : () => tokenOf(who)
    const document = tab.createClient({ auth, namespace: sharedNamespace }).open(name)
    await world.advanceTime(500)
    write(document, text)
    await world.advanceTime(500)
    tab.close()
    if (network === 'clear') device.goOnline()
  }
  return { world, device, open, committed, stored, wroteBefore }
}

async function wiped(world: { advanceTime(ms: number): Promise<void> }, client: TidemarkClient) {
  const signingOut = client.signOut()
  await world.advanceTime(10_000)
  return signingOut
}

describe('[D3.9] two accounts of one browser, whose app names no namespace', () => {
  test('have a copy each: none sees, sends, counts, leads for or deletes what is the other’s', async () => {
    const { world, device, open, committed, stored } = browser()
    device.goOffline()
    const first = open(() => tokenOf('ada'))
    await world.advanceTime(1_000)
    write(first.document, 'ada')
    await world.advanceTime(1_000)
    const second = open(() => tokenOf('ben'))
    await world.advanceTime(1_000)
    expect([textOf(second.document), second.document.pendingCount]).toEqual(['', 0])
    expect([first.document.isLeader, second.document.isLeader]).toEqual([true, true])
    write(second.document, 'ben')
    await world.advanceTime(1_000)
    expect([stored(ada), stored(ben), stored(sharedNamespace)]).toEqual(['ada', 'ben', null])
    first.tab.close()
    device.goOnline()
    await world.advanceTime(20_000)
    expect([committed(), second.document.status.kind]).toEqual(['ben', 'saved'])
    expect(second.errors).not.toContain('account-mismatch')
    expect(await wiped(world, second.client)).toMatchObject({ drained: true, wiped: true })
    expect([device.stored('plan', ada)?.pendingCount, stored(ben)]).toEqual([1, null])
    const again = open(() => tokenOf('ada'))
    await world.settle()
    expect([...committed()].sort().join('')).toBe([...'adaben'].sort().join(''))
    expect(again.document.status.kind).toBe('saved')
  })

  test('and the names of their databases name nobody', () => {
    expect(ada).toMatch(/^tidemark\/[0-9a-f]{32}$/)
    expect(new Set(['ada', 'ben', 'Ada', ''].map(keyOf)).size).toBe(4)
    // for ever: what is stored under it is found by no other name
    expect(keyOf('ada')).toBe('fdee430d40bd57deeac186cd9790033d')
  })

  test('tabs of one account share copy and leader', async () => {
    const { world, device, open } = browser()
    device.goOffline()
    const tabs = [open(() => tokenOf('ada')), open(() => tokenOf('ada'))]
    await world.advanceTime(1_000)
    write(tabs[0]!.document, 'ada')
    await world.advanceTime(100)
    expect(textOf(tabs[1]!.document)).toBe('ada')
    expect(tabs.filter(({ document }) => document.isLeader)).toHaveLength(1)
  })

  test('an app that names one gets that one, and nothing is noted', async () => {
    const { world, device, open, stored } = browser()
    device.goOffline()
    const { document, tab } = open(() => tokenOf('ada'), { namespace: 'mine' })
    write(document, 'x')
    await world.advanceTime(100)
    expect([stored('mine'), stored(ada)]).toEqual(['x', null])
    tab.close()
    const later = open(noNetwork)
    await world.advanceTime(5_000)
    expect(textOf(later.document)).toBe('')
  })

  test.each<[string, TabClientOptions['auth']]>([
    ['without tokens', undefined],
    ['with tokens that do not say whose they are', () => 'opaque'],
  ])('%s everything is where it always was', async (_, auth) => {
    const { world, device, open, stored } = browser()
    device.goOffline()
    write(open(auth).document, 'x')
    await world.advanceTime(1_000)
    expect(stored(sharedNamespace)).toBe('x')
  })
})

describe('[D3.9] whose copy it is when no token is to be had', () => {
  test.each<[string, () => Promise<string>]>([
    ['it fails', noNetwork],
    ['it hangs', () => new Promise(() => {})],
  ])('(%s) that of the account that was here last, at once; its edits go out when its token comes', async (_, auth) => {
    const { world, device, open, committed } = browser()
    const before = open(() => tokenOf('ada'))
    await world.settle()
    write(before.document, 'kept ')
    await world.settle()
    before.tab.close()
    device.goOffline()
    let isOnline = false
    const again = open(() => (isOnline ? Promise.resolve(tokenOf('ada')) : auth()))
    write(again.document, 'early ')
    await world.advanceTime(400)
    expect([...textOf(again.document)].sort()).toEqual([...'kept early '].sort())
    expect(device.stored('plan', ada)?.pendingCount).toBe(1)
    isOnline = true
    device.goOnline()
    await world.advanceTime(60_000)
    expect([committed(), again.document.status.kind]).toEqual([textOf(again.document), 'saved'])
  })

  test('a document that is closed before it is known keeps what was written', async () => {
    const { world, device, open, stored } = browser()
    device.goOffline()
    const answer = Promise.withResolvers<string>()
    const { document, client } = open(() => answer.promise)
    write(document, 'hasty')
    const closing = [document.close(), client.close()] as const
    await world.advanceTime(100)
    answer.resolve(tokenOf('ada'))
    await world.advanceTime(500)
    expect(await closing[0]).toEqual({ unkept: 0 })
    await closing[1]
    expect([stored(ada), device.stored('plan', ada)?.pendingCount]).toEqual(['hasty', 1])
    const again = open(() => tokenOf('ada'))
    await world.advanceTime(500)
    expect(textOf(again.document)).toBe('hasty')
  })

  test('nobody was here before: it is waited for a while, as what would be shown might be anybody’s', async () => {
    const { world, open, stored } = browser()
    const answer = Promise.withResolvers<string>()
    const { document } = open(() => answer.promise)
    write(document, 'x')
    await world.advanceTime(1_000)
    expect(document.status.kind).toBe('loading')
    answer.resolve(tokenOf('ada'))
    await world.settle()
    expect([stored(ada), stored(sharedNamespace), document.status.kind]).toEqual(['x', null, 'saved'])
  })

  test('nor does it come then: what all shared opens, and is that account’s from then on', async () => {
    const { world, open, stored, device } = browser()
    const answer = Promise.withResolvers<string>()
    const late = open(() => answer.promise)
    await world.advanceTime(3_000)
    write(late.document, 'x')
    await world.advanceTime(500)
    expect(stored(sharedNamespace)).toBe('x')
    answer.resolve(tokenOf('ada'))
    await world.settle()
    expect(late.document.status.kind).toBe('saved')
    // her second tab finds it there, and shares it
    const second = open(() => tokenOf('ada'))
    await world.settle()
    expect([late, second].filter(({ document }) => document.isLeader)).toHaveLength(1)
    // his does not
    device.goOffline()
    const other = open(() => tokenOf('ben'))
    await world.advanceTime(1_000)
    expect([textOf(second.document), textOf(other.document)]).toEqual(['x', ''])
  })

  test('and is not, when it is somebody else’s, though nothing of them is pending', async () => {
    const { world, device, open, wroteBefore, committed } = browser()
    await wroteBefore('ada', 'ada')
    const before = device.openTab().createClient({ auth: () => tokenOf('ada'), namespace: sharedNamespace })
    before.open('plan')
    await world.settle()
    await before.close()
    expect(device.stored('plan', sharedNamespace)?.pendingCount).toBe(0)
    const answer = Promise.withResolvers<string>()
    const late = open(() => answer.promise)
    await world.advanceTime(3_000)
    answer.resolve(tokenOf('ben'))
    await world.advanceTime(30_000)
    expect(late.document.status).toMatchObject({ kind: 'error', error: { code: 'account-mismatch' } })
    expect(late.errors.filter((code) => code === 'account-mismatch')).toHaveLength(1)
    late.tab.close()
    const hers = open(() => tokenOf('ada'))
    const his = open(() => tokenOf('ben'))
    await world.settle()
    write(hers.document, ' more')
    await world.settle()
    expect([committed(), textOf(his.document)]).toEqual(['ada more', 'ada more'])
    expect([hers, his].map(({ document }) => document.isLeader)).toEqual([true, true])
  })

  test('a browser that notes nothing opens what all shared', async () => {
    const { world, device, open, stored, wroteBefore } = browser()
    await wroteBefore('before', null)
    device.goOffline()
    const accountNotes = { read: () => Promise.reject(new Error('no')), update: () => Promise.reject(new Error('no')) }
    const options = { accountNotes } as TabClientOptions
    const { document } = open(noNetwork, options)
    await world.advanceTime(1_000)
    expect([textOf(document), stored(sharedNamespace)]).toEqual(['before', 'before'])
    const known = open(() => tokenOf('ben'), options)
    await world.advanceTime(1_000)
    expect(known.document.status.kind).not.toBe('loading')
  })
})

describe('[D3.9] a token that turns out to be of another account than the copy that was opened', () => {
  test('sends nothing, shows nothing of the server, and the next client is its own account’s', async () => {
    const { world, device, open, committed, stored } = browser()
    const before = open(() => tokenOf('ada'))
    await world.settle()
    write(before.document, 'ada')
    await world.settle()
    before.tab.close()
    world.server.dropSockets()
    const answer = Promise.withResolvers<string>()
    const late = open(() => answer.promise)
    await world.advanceTime(1_000)
    expect(textOf(late.document)).toBe('ada')
    write(late.document, ' late')
    answer.resolve(tokenOf('ben'))
    await world.advanceTime(30_000)
    expect(late.document.status).toMatchObject({ kind: 'error', error: { code: 'account-mismatch' } })
    expect(late.errors).toEqual(['account-mismatch'])
    expect(committed()).toBe('ada')
    late.tab.close()
    // offline, and as slow as before: it is known by now who is here
    device.goOffline()
    const next = open(() => new Promise(() => {}))
    await world.advanceTime(1_000)
    expect(textOf(next.document)).toBe('')
    next.tab.close()
    device.goOnline()
    const owner = open(() => tokenOf('ada'))
    await world.settle()
    expect([committed(), owner.document.status.kind, stored(ben)]).toEqual(['ada late', 'saved', ''])
  })

  test('also when nothing is pending, and the token of a client that runs becomes somebody else’s', async () => {
    const { world, open } = browser()
    let who = 'ada'
    const { document, errors } = open(() => tokenOf(who, world.now + 60_000))
    await world.settle()
    expect(document.status.kind).toBe('saved')
    who = 'ben'
    world.server.dropSockets()
    await world.advanceTime(120_000)
    world.server.dropSockets()
    await world.advanceTime(30_000)
    expect(document.status).toMatchObject({ kind: 'error', error: { code: 'account-mismatch' } })
    expect(errors.filter((code) => code === 'account-mismatch')).toHaveLength(1)
  })
})

describe('[D3.9] copies from before each account had a namespace of its own', () => {
  test.each<[string, string | null]>([
    ['hers', 'ada'],
    ['of nobody who is known', null],
  ])('(%s) are opened where they are, and what is pending in them is sent', async (_, who) => {
    const { world, device, open, committed, wroteBefore } = browser()
    await wroteBefore('before', who)
    const { document } = open(() => tokenOf('ada'))
    await world.settle()
    expect([committed(), document.status.kind]).toEqual(['before', 'saved'])
    expect(device.stored('plan', sharedNamespace)?.pendingCount).toBe(0)
    // and the next time without a network, too
    device.goOffline()
    const again = open(noNetwork)
    await world.advanceTime(1_000)
    expect(textOf(again.document)).toBe('before')
  })

  test('that a browser gives no answer about are not hidden by a new one: the document opens in memory, in time, and says so', async () => {
    const { world, device, open, stored, wroteBefore } = browser()
    await wroteBefore('before', 'ada')
    const tab = device.openTab()
    const { document, errors } = open(() => tokenOf('ada'), {
      tab,
      localStores: ({ namespace }) =>
        Object.assign(tab.localStores(namespace), { owners: () => new Promise<never>(() => {}) }),
    })
    await world.advanceTime(5_500)
    expect(document.status.localStore).toMatchObject({ kind: 'memory', reason: { code: 'local-storage-unavailable' } })
    expect([errors, stored(ada), stored(sharedNamespace)]).toEqual([['local-storage-unavailable'], null, 'before'])
  })

  test('also in documents that nobody opens', async () => {
    const { world, open, wroteBefore } = browser()
    await wroteBefore('elsewhere', 'ada', 'diary')
    await wroteBefore('not hers', 'ben', 'secret')
    open(() => tokenOf('ada'))
    await world.advanceTime(30_000)
    expect(world.server.committed('diary').getText('t').toString()).toBe('elsewhere')
    expect(world.server.committed('secret').getText('t').toString()).toBe('')
  })

  test('of somebody else are left alone, whatever is done: opened, signed out, caught up', async () => {
    const { world, device, open, committed, wroteBefore, stored } = browser()
    await wroteBefore('ada', 'ada')
    const { document, client } = open(() => tokenOf('ben'))
    await world.settle()
    expect([textOf(document), document.status.kind, committed()]).toEqual(['', 'saved', ''])
    const result = await wiped(world, client)
    expect(result).toMatchObject({ drained: true, wiped: true, remaining: [] })
    expect([stored(sharedNamespace), stored(ben)]).toEqual(['ada', null])
    expect(device.stored('plan', sharedNamespace)?.pendingCount).toBe(1)
  })

  test('hers are counted, and deleted, when she signs out', async () => {
    const { world, device, open, wroteBefore, stored } = browser()
    await wroteBefore('one', 'ada')
    await wroteBefore('two', 'ada', 'diary')
    await wroteBefore('his', 'ben', 'secret')
    device.goOffline()
    const first = open(() => tokenOf('ada'))
    await world.advanceTime(1_000)
    const kept = first.client.signOut({ timeout: 100 })
    await world.advanceTime(5_000)
    expect((await kept).remaining.map(({ name }) => name).sort()).toEqual(['diary', 'plan'])
    device.goOnline()
    const second = open(() => tokenOf('ada'))
    await world.settle()
    expect(await wiped(world, second.client)).toMatchObject({ drained: true, wiped: true })
    expect(['plan', 'diary', 'secret'].map((name) => stored(sharedNamespace, name))).toEqual([null, null, 'his'])
  })

  test('beside one in her own namespace: those with pending edits come first, until all are sent', async () => {
    const { world, device, open, committed, wroteBefore } = browser()
    device.goOffline()
    const own = open(() => tokenOf('ada'))
    await world.advanceTime(1_000)
    write(own.document, 'own ')
    await world.advanceTime(1_000)
    own.tab.close()
    await wroteBefore('shared', 'ada')
    const offline = open(noNetwork)
    await world.advanceTime(1_000)
    expect(textOf(offline.document)).toBe('shared')
    device.goOnline()
    offline.tab.close()
    const first = open(() => tokenOf('ada'))
    await world.settle()
    expect(committed()).toBe('shared')
    first.tab.close()
    open(() => tokenOf('ada'))
    await world.settle()
    expect(committed().replace('shared', '')).toBe('own ')
    expect([ada, sharedNamespace].map((namespace) => device.stored('plan', namespace)?.pendingCount)).toEqual([0, 0])
  })

  test('that were set aside are listed and dropped by whose they are', async () => {
    const { world, device, open, wroteBefore } = browser()
    await wroteBefore('ada', 'ada')
    device.goOffline()
    const old = device.openTab().createClient({ auth: () => tokenOf('ada'), namespace: sharedNamespace })
    const aside = old.open('plan').setAside()
    await world.advanceTime(2_000)
    await aside
    await old.close()
    await wroteBefore('ben', 'ben')
    const hers = open(() => tokenOf('ada')).client
    const his = open(() => tokenOf('ben')).client
    await world.advanceTime(1_000)
    const [herCopies, hisCopies] = [hers.setAsideCopies(), his.setAsideCopies()]
    await world.advanceTime(1_000)
    expect([(await herCopies).map(({ document }) => document), await hisCopies]).toEqual([['plan'], []])
    // she signs out and loses it: what is his stays
    const out = hers.signOut({ flush: false, wipe: 'always' })
    await world.advanceTime(2_000)
    expect(await out).toMatchObject({ wiped: true })
    expect(device.setAside('plan', sharedNamespace)).toEqual([])
    expect(device.stored('plan', sharedNamespace)?.doc.getText('t').toString()).toBe('ben')
  })
})

test('[D3.9] [R3.4] what the page alone holds of a copy in the common namespace is not forgotten when its account signs out', async () => {
  const { world, device, open, wroteBefore, stored } = browser()
  await wroteBefore('before', 'ada')
  device.goOffline()
  const { document, client } = open(() => tokenOf('ada'))
  await world.advanceTime(1_000)
  device.clearStorage()
  device.failStore('broken')
  write(document, ' held')
  await world.advanceTime(1_000)
  const closing = document.close()
  await world.advanceTime(10_000)
  expect((await closing).unkept).toBeGreaterThan(0)
  device.healStore()
  const out = client.signOut({ flush: false })
  await world.advanceTime(500)
  expect(await out).toMatchObject({ drained: false, remaining: [{ name: 'plan' }] })
  expect(stored(ada)).toBe(null)
})

test('[D3.9] [R3.5] what a page could not keep for one account is not taken over by another one’s opening in it', async () => {
  const { world, device, open, committed } = browser()
  device.failStore('broken')
  const answer = Promise.withResolvers<string>()
  const his = open(() => answer.promise)
  await world.advanceTime(3_000)
  answer.resolve(tokenOf('ben'))
  await world.settle()
  world.goOffline()
  write(his.document, 'ben')
  const closing = his.document.close()
  await world.advanceTime(10_000)
  expect(await closing).toEqual({ unkept: 1 })
  const elsewhere = open(() => tokenOf('ada'))
  await world.advanceTime(1_000)
  elsewhere.tab.close()
  const hers = open(() => new Promise(() => {}), { tab: his.tab })
  await world.advanceTime(2_000)
  expect([textOf(hers.document), hers.document.pendingCount]).toEqual(['', 0])
  world.goOnline()
  const again = open(() => tokenOf('ben'), { tab: his.tab })
  await world.settle()
  expect([committed(), again.document.status.kind]).toEqual(['ben', 'saved'])
})

describe('[D3.9] [H9] whoever signs out', () => {
  test('is not who was here last any more; the other account is not concerned', async () => {
    const { world, device, open } = browser()
    const his = open(() => tokenOf('ben'))
    await world.settle()
    write(his.document, 'ben')
    await world.settle()
    his.tab.close()
    const hers = open(() => tokenOf('ada'))
    await world.settle()
    expect(await wiped(world, hers.client)).toMatchObject({ wiped: true })
    expect([device.stored('plan', ada), device.stored('plan', ben) !== null]).toEqual([null, true])
    device.goOffline()
    const nobody = open(noNetwork)
    await world.advanceTime(5_000)
    expect(textOf(nobody.document)).toBe('')
    nobody.tab.close()
    device.goOnline()
    const again = open(() => tokenOf('ben'))
    await world.settle()
    expect(textOf(again.document)).toBe('ben')
  })

  test('while somebody else was here since, theirs stays noted', async () => {
    const { world, device, open } = browser()
    const hers = open(() => tokenOf('ada'))
    await world.settle()
    const his = open(() => tokenOf('ben'))
    await world.settle()
    write(his.document, 'ben')
    await world.settle()
    await wiped(world, hers.client)
    his.tab.close()
    device.goOffline()
    const again = open(noNetwork)
    await world.advanceTime(1_000)
    expect(textOf(again.document)).toBe('ben')
  })
})

describe('[D3.9] [D3.7] the worker of the app', () => {
  test('sends what is pending of the account that was here last, however slow its own token is', async () => {
    const { world, device, open, committed } = browser()
    device.goOffline()
    const { document, tab } = open(() => tokenOf('ada'))
    await world.advanceTime(500)
    write(document, 'x')
    await world.advanceTime(500)
    tab.close()
    device.goOnline()
    const answer = Promise.withResolvers<string>()
    const worker = device.openTab({ visible: false }).createClient({ auth: () => answer.promise, catchUp: 'manual' })
    const caughtUp = worker.catchUp()
    await world.advanceTime(3_000)
    answer.resolve(tokenOf('ada'))
    await world.advanceTime(20_000)
    expect([(await caughtUp).map(({ outcome }) => outcome), committed()]).toEqual([['saved'], 'x'])
  })
})
