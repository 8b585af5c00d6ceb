import { messageType } from '@tidemark/shared'
import { describe, expect, test } from 'vitest'
import { Early, strangersMessage } from './early.ts'
import { Reading } from './reading.ts'
import { Session } from './session.ts'
import { openTransport } from './testing.ts'

const mib = 1024 * 1024

function world() {
  const state = { largest: 0, isPaused: false }
  const taken: Uint8Array[] = []
  const early = new Early({
    transport: openTransport({
      limitMessages(bytes) {
        state.largest = bytes
      },
    }),
    reading: new Reading((isPaused) => {
      state.isPaused = isPaused
    }),
    limits: { messageBytes: 16 * mib, documentsPerSocket: 500 },
    take: (_session, frame) => taken.push(frame),
  })
  return { early, state, taken, session: new Session('plan', 'plan', 0) }
}

const frame = (index: number, bytes = 4) => new Uint8Array(bytes).fill(index % 256)

describe('[R6.21] before anybody is signed in on a socket', () => {
  test('it takes a token; while that is checked nothing is read; then all is as usual, until the last one goes', () => {
    const { early, state } = world()
    expect(state).toEqual({ largest: strangersMessage, isPaused: false })
    early.standingChanged(false, 1)
    expect(state.isPaused).toBe(true)
    expect(state.largest, 'what comes in one packet with the token').toBe(mib)
    early.standingChanged(true, 1)
    expect(state).toEqual({ largest: 16 * mib, isPaused: false })
    early.standingChanged(true, 2)
    expect(state.isPaused, 'others on the socket go on').toBe(false)
    early.standingChanged(false, 0)
    expect(state).toEqual({ largest: strangersMessage, isPaused: false })
  })
})

describe('[R6.21] what comes before its document is open', () => {
  test('waits unread, however many messages, and is read in its order in turns, with what comes meanwhile', async () => {
    const { early, session, taken } = world()
    const all = Array.from({ length: 5_000 }, (_, index) => frame(index))
    for (const each of all) early.hold(session, each)
    expect(taken).toEqual([])
    let turns = 0
    const counting = setInterval(() => turns++, 0)
    const released = early.release(session)
    const late = frame(messageType.sync)
    if (session.early) early.hold(session, late)
    else taken.push(late)
    await released
    clearInterval(counting)
    expect(taken).toEqual([...all, late])
    expect(session.early).toBeNull()
  })

  test('is bounded: over 4 MiB, with what each message costs, the socket is not read until then', async () => {
    for (const bytes of [1, 100_000]) {
      const { early, session, state } = world()
      early.standingChanged(true, 2)
      let held = 0
      for (; !state.isPaused; held++) early.hold(session, frame(held, bytes))
      expect(held * (bytes + 256)).toBeLessThan(5 * mib)
      await early.release(session)
      expect(state.isPaused).toBe(false)
    }
  })

  test('is forgotten with its session', async () => {
    const { early, session, state, taken } = world()
    early.standingChanged(true, 2)
    while (!state.isPaused) early.hold(session, frame(1, 100_000))
    early.forget(session)
    expect(state.isPaused).toBe(false)
    await early.release(session)
    expect(taken).toEqual([])
  })
})
