import { describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { encryptedStores } from '../encryption/index.ts'
import type { TidemarkClient } from '../index.ts'
import { indexedDBOf } from '../test-helpers/indexeddb-of.ts'
import { createWorld, type Device, KeyRange, type Tab, type World } from '../testing/index.ts'

type Outcome = ReturnType<Device['indexeddb']['outcomeOf']>

/** Whose IndexedDB is the global one just now. */
let current: Tab

indexedDBOf(() => current)

const generated = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
const sealed = encryptedStores({ keys: { current: { id: 'one', key: generated } } })

/** Lets simulated time pass, and what is done in real time (encryption, modules) with it. */
async function pass(world: World, ms: number, isSealed: boolean): Promise<void> {
  for (let step = 0; step < 20; step++) {
    await world.advanceTime(ms / 20)
    // a copy is opened within simulated seconds, and keys take real time
    await new Promise((resolve) => (isSealed ? setTimeout(resolve, 1) : setImmediate(resolve)))
  }
}

/** The same, until something is settled. */
async function passUntil(world: World, promise: Promise<unknown>, isSealed: boolean): Promise<void> {
  let isSettled = false
  promise.finally(() => {
    isSettled = true
  })
  for (let times = 0; times < 100 && !isSettled; times++) {
    await pass(world, 1_000, isSealed)
  }
}

interface Life {
  /** What did not settle. */
  readonly unsettled: string[]
  readonly steps: number
  /** What this page or the disk holds. */
  readonly text: string
  readonly left: { readonly drained: boolean; readonly count: number }
  readonly isCounted: boolean
}

/**
 * A page without a network: three edits in two openings of one document, the first before it is loaded, the last just
 * before it is closed; then somebody signs out, and opens it again in the same page.
 * @param faulty from which step on, and how many, the browser does not do as it should
 */
async function live(how: Outcome, faulty: { from: number; count: number }, isSealed = false): Promise<Life> {
  const world = createWorld({ diskDelay: 1 })
  const device = world.device('laptop')
  device.goOffline()
  current = device.openTab()
  let steps = 0
  device.indexeddb.outcomeOf = () => {
    const step = steps++
    return step >= faulty.from && step < faulty.from + faulty.count ? how : 'well'
  }
  const unsettled = new Map<string, Promise<unknown>>()
  const follow = <Result>(what: string, promise: Promise<Result>): Promise<Result | null> => {
    unsettled.set(what, promise)
    const done = promise.catch(() => null)
    void done.then(() => unsettled.delete(what))
    return done
  }
  const options = { disk: 'browser', ...(isSealed ? { localStores: sealed } : {}) } as const
  const add = (client: TidemarkClient, letter: string) => {
    const document = client.open('plan')
    document.doc.getText('t').insert(document.doc.getText('t').length, letter)
    return document
  }
  const client = current.createClient(options)
  const first = add(client, 'a')
  void follow('open', first.whenLoaded)
  void follow('flush', first.flush({ timeout: 1_000 }))
  await pass(world, 10, isSealed)
  add(client, 'b')
  void follow('close', first.close())
  const second = add(client, 'c')
  void follow('reopen', second.whenLoaded)
  await pass(world, 4_000, isSealed)
  void follow('signOut', client.signOut({ timeout: 500 }))
  const signedOut = client.signOut({ timeout: 500 })
  void follow('signOut again', signedOut)
  await pass(world, 60_000, isSealed)
  const result = unsettled.has('signOut again') ? null : await signedOut
  const stuck = [...unsettled.keys()]
  // from here on the browser is well
  device.indexeddb.outcomeOf = () => 'well'
  await pass(world, 60_000, isSealed)
  const later = current.createClient(options)
  const again = later.open('plan')
  await passUntil(world, again.whenLoaded, isSealed)
  const all = new Y.Doc()
  Y.applyUpdate(all, Y.encodeStateAsUpdate(again.doc))
  const life = {
    unsettled: stuck,
    steps,
    left: {
      drained: result?.drained ?? true,
      count: result?.remaining.reduce((n, one) => n + one.pendingCount, 0) ?? 0,
    },
  }
  await passUntil(world, later.close(), isSealed)
  // A transaction that never ends keeps the page from what is stored; the next page has it.
  current.crash()
  current = device.openTab()
  const next = current.createClient(options)
  const stored = next.open('plan')
  await passUntil(world, stored.whenLoaded, isSealed)
  Y.applyUpdate(all, Y.encodeStateAsUpdate(stored.doc))
  const isCounted = again.pendingCount + stored.pendingCount > 0
  await passUntil(world, next.close(), isSealed)
  return { ...life, isCounted, text: [...all.getText('t').toString()].sort().join('') }
}

const well = await (async () => {
  vi.stubGlobal('IDBKeyRange', KeyRange)
  Object.defineProperty(globalThis, 'indexedDB', { configurable: true, get: () => current.indexedDB })
  return live('well', { from: 0, count: 0 })
})()

describe('[R3.9] [R3.5] whatever single step of IndexedDB goes wrong', () => {
  test('nothing is lost when none does', () => {
    expect(well).toMatchObject({ unsettled: [], text: 'abc', left: { drained: false, count: 3 }, isCounted: true })
    expect(well.steps).toBeGreaterThan(20)
  })

  test.each<[Outcome, number, boolean]>([
    ['fails', 1, false],
    ['fails', 1_000, false],
    ['full', 1_000, false],
    ['gone', 1, false],
    ['silent', 1, false],
    ['silent', 1_000, false],
    ['fails', 1, true],
    ['silent', 1, true],
  ])(
    '%s, %i in a row (encrypted: %s): everything settles, and every edit is there and counted',
    async (how, count, isSealed) => {
      const wrong: string[] = []
      for (let from = 0; from < well.steps; from += isSealed ? 3 : 1) {
        const { unsettled, text, left, isCounted } = await live(how, { from, count }, isSealed)
        if (unsettled.length > 0 || text !== 'abc' || left.drained || left.count === 0 || !isCounted) {
          wrong.push(`${from}: ${unsettled} "${text}" ${JSON.stringify(left)} ${isCounted}`)
        }
      }
      expect(wrong).toEqual([])
    },
    300_000,
  )
})
