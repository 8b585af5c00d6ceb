import { describe, expect, test } from 'vitest'
import type { TidemarkDocument } from '../index.ts'
import { createWorld } from '../testing/index.ts'
import { outranks } from './fitness.ts'

function write(document: TidemarkDocument, text: string): void {
  const body = document.doc.getText('t')
  body.insert(body.length, text)
}

/** Tabs of a person, each with a token of its own; the server takes what is in `good`. */
function tabs() {
  const good = new Set(['good'])
  const asked: string[] = []
  const world = createWorld({
    seed: 9,
    authorise: (token) => {
      asked.push(token)
      return good.has(token) ? 'write' : 'token-expired'
    },
  })
  const device = world.device('laptop')
  const open = (token: () => string, visible = true) => {
    const tab = device.openTab({ visible })
    return { tab, document: tab.createClient({ auth: token }).open('plan') }
  }
  const committed = () => world.server.committed('plan').getText('t').toString()
  return { world, device, good, asked, open, committed }
}

describe('[D1.4] a leader that only a person could help on', () => {
  test('gives way to a tab that can sync, also to a hidden one, and shows what that one says', async () => {
    const { world, open, good, committed } = tabs()
    good.add('old')
    const front = open(() => 'old')
    await world.settle()
    const back = open(() => 'good', false)
    await world.settle()
    expect(front.document.isLeader).toBe(true)
    good.delete('old')
    world.server.dropSockets()
    await world.advanceTime(1_000)
    write(front.document, 'kept')
    await world.advanceTime(10_000)
    expect(committed()).toBe('kept')
    expect([front.document.isLeader, back.document.isLeader]).toEqual([false, true])
    expect([front.document.status.kind, back.document.status.kind]).toEqual(['saved', 'saved'])
    // and it stays so: being visible does not help
    front.tab.hide()
    front.tab.show()
    await world.advanceTime(30_000)
    expect(back.document.isLeader).toBe(true)
  })

  test('is followed by each of the others once, and no more, when none can', async () => {
    const { world, open, asked } = tabs()
    const all = [open(() => 'a'), open(() => 'b'), open(() => 'c', false)]
    await world.advanceTime(20_000)
    const tries = asked.length
    expect(new Set(asked)).toEqual(new Set(['a', 'b', 'c']))
    await world.advanceTime(600_000)
    expect(asked.length).toBe(tries)
    expect(all.map(({ document }) => document.status.kind)).toEqual(['error', 'error', 'error'])
    expect(all.filter(({ document }) => document.isLeader)).toHaveLength(1)
  })

  test('the person signs in again in another tab: that one goes on', async () => {
    const { world, open, committed } = tabs()
    let token = 'b'
    const [one, two] = [open(() => 'a'), open(() => token)]
    await world.advanceTime(20_000)
    write(one.document, 'kept')
    await world.advanceTime(1_000)
    token = 'good'
    two.document.retry()
    await world.advanceTime(5_000)
    expect(committed()).toBe('kept')
    expect(one.document.status.kind).toBe('saved')
  })
})

test('[D1.4] who can sync leads rather than who cannot; of two alike, a visible one', () => {
  const fitnesses = [true, false].flatMap((isHelpless) => [true, false].map((isVisible) => ({ isHelpless, isVisible })))
  const [stuck, stuckBehind, best, behind] = fitnesses
  expect(
    [best, behind, stuck, stuckBehind].map((one) => fitnesses.filter((other) => outranks(one!, other)).length),
  ).toEqual([3, 2, 1, 0])
})
