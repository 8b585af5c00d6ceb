import { systemClock } from '@tidemark/shared'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AskWhoWorks, Watch } from './watch.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

function makeFlight(patienceMs = 1_000) {
  const state = { backend: 7 as number | null, received: 100, cut: [] as string[] }
  const flight = {
    patienceMs,
    backend: () => state.backend,
    received: () => state.received,
    cut: (reason: string) => void state.cut.push(reason),
  }
  return { state, flight }
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('[R7.10] a statement without an answer', () => {
  test('is left alone for as long as the database works on it', async () => {
    const ask = vi.fn<AskWhoWorks>(async (backends) => new Set(backends))
    const watch = new Watch(ask, systemClock)
    const { state, flight } = makeFlight()
    watch.begin(flight)
    await pass(60_000)
    expect(state.cut).toEqual([])
    expect(ask.mock.calls.length).toBeGreaterThan(50)
  })

  test('is given up within seconds when the database knows nothing of it', async () => {
    const watch = new Watch(async () => new Set(), systemClock)
    const { state, flight } = makeFlight()
    watch.begin(flight)
    await pass(2_100)
    expect(state.cut).toHaveLength(1)
  })

  test('is given up when not even its process is known, because nothing was ever answered', async () => {
    const watch = new Watch(async () => new Set(), systemClock)
    const { state, flight } = makeFlight()
    state.backend = null
    watch.begin(flight)
    await pass(2_100)
    expect(state.cut).toHaveLength(1)
  })

  test('is left alone while its answer still comes in', async () => {
    const watch = new Watch(async () => new Set(), systemClock)
    const { state, flight } = makeFlight()
    watch.begin(flight)
    for (let round = 0; round < 40; round += 1) {
      state.received += 1
      await pass(250)
    }
    expect(state.cut).toEqual([])
  })

  test('is neither asked about nor given up before its patience ends: much has to be sent first', async () => {
    const ask = vi.fn<AskWhoWorks>(async () => new Set())
    const watch = new Watch(ask, systemClock)
    const { state, flight } = makeFlight(10_000)
    watch.begin(flight)
    await pass(9_900)
    expect(ask).not.toHaveBeenCalled()
    await pass(1_700)
    expect(state.cut).toHaveLength(1)
  })

  test('is not given up while nothing answers at all, and soon after something does', async () => {
    let isAway = true
    const watch = new Watch(async () => {
      if (isAway) throw new Error('nobody answers')
      return new Set()
    }, systemClock)
    const { state, flight } = makeFlight()
    watch.begin(flight)
    await pass(30_000)
    expect(state.cut).toEqual([])
    isAway = false
    await pass(1_100)
    expect(state.cut).toHaveLength(1)
  })

  test('that is answered meanwhile is forgotten, and no timer stays behind', async () => {
    const watch = new Watch(async () => new Set(), systemClock)
    const { state, flight } = makeFlight()
    const end = watch.begin(flight)
    await pass(1_600)
    end()
    await pass(10_000)
    expect(state.cut).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is given up when the database is closed, and no timer stays behind', async () => {
    const watch = new Watch(async () => new Set(), systemClock)
    const { state, flight } = makeFlight()
    watch.begin(flight)
    watch.close()
    expect(state.cut).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
