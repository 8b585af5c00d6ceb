import { errorCodes, TidemarkError } from '@tidemark/shared'
import { describe, expect, test } from 'vitest'
import { indicatorOf } from './indicator.ts'
import { after, beginning, type Happening, type Situation, statusOf } from './status.ts'

const loaded: Happening = {
  type: 'loaded',
  localStore: { kind: 'indexeddb' },
  made: new Map(),
  acknowledged: new Map(),
}
const connected: Happening = { type: 'connection', connection: 'connected', at: 0 }
const disconnected: Happening = { type: 'connection', connection: 'disconnected', at: 0 }
const handshake: Happening[] = [{ type: 'session-began' }, { type: 'sent' }, { type: 'acknowledged', at: 1 }]
const edited: Happening = { type: 'edited' }

function situationAfter(...happenings: Happening[]): Situation {
  return happenings.reduce(after, beginning('mine'))
}

function kindAfter(...happenings: Happening[]): string {
  return statusOf(situationAfter(...happenings)).kind
}

describe('what a person sees of a document', () => {
  test('it is opening until the local copy is there, connected or not', () => {
    expect(kindAfter()).toBe('loading')
    expect(kindAfter(connected)).toBe('loading')
  })

  test('[P1] it is syncing from then on, until the server has answered; nothing waits for that', () => {
    expect(kindAfter(loaded)).toBe('syncing')
    expect(kindAfter(loaded, connected, { type: 'session-began' }, { type: 'sent' })).toBe('syncing')
    expect(kindAfter(loaded, connected, ...handshake)).toBe('saved')
  })

  test('an edit makes it syncing, its ack makes it saved', () => {
    const situation = situationAfter(loaded, connected, ...handshake, edited)
    expect(statusOf(situation)).toMatchObject({ kind: 'syncing', pendingCount: 1, lastSavedAt: null })
    expect(
      statusOf([{ type: 'sent' }, { type: 'acknowledged', at: 7 }].reduce(after as never, situation)),
    ).toMatchObject({ kind: 'saved', pendingCount: 0, lastSavedAt: 7 })
  })

  test('[R2.3] without a connection it is offline, and stays so through the next attempts', () => {
    const error = new TidemarkError('server-unreachable')
    const failed: Happening[] = [loaded, disconnected, { type: 'connection-failed', error, at: 0 }]
    expect(statusOf(situationAfter(...failed))).toMatchObject({ kind: 'offline', error })
    expect(kindAfter(...failed, { type: 'connection', connection: 'connecting', at: 0 })).toBe('offline')
    expect(kindAfter(...failed, connected)).toBe('syncing')
  })

  test('saved is not said of the last session: a reconnect is syncing until its own handshake is acknowledged', () => {
    const again: Happening[] = [{ type: 'session-ended' }, disconnected, connected, { type: 'session-began' }]
    expect(kindAfter(loaded, connected, ...handshake, ...again)).toBe('syncing')
  })

  test('[H6] edits of an earlier time are pending until a handshake is acknowledged', () => {
    const inherited: Happening = {
      type: 'loaded',
      localStore: { kind: 'indexeddb' },
      made: new Map([['last time', 5]]),
      acknowledged: new Map([['last time', 2]]),
    }
    expect(statusOf(situationAfter(inherited)).pendingCount).toBe(3)
    expect(statusOf(situationAfter(inherited, connected, ...handshake)).pendingCount).toBe(0)
  })

  test('a refused edit is an error, and stays one until a new session saves it', () => {
    const error = new TidemarkError('read-only')
    const refused: Happening[] = [loaded, connected, ...handshake, edited, { type: 'sent' }, { type: 'refused', error }]
    expect(statusOf(situationAfter(...refused))).toMatchObject({ kind: 'error', error, pendingCount: 1 })
    expect(kindAfter(...refused, { type: 'session-ended' }, disconnected)).toBe('error')
    expect(kindAfter(...refused, { type: 'session-ended' }, connected, ...handshake)).toBe('saved')
  })

  test('[R5.5] while the database is away it is an error; an ack or the word of the server ends that', () => {
    const error = new TidemarkError('storage-unavailable')
    const away: Happening[] = [
      loaded,
      connected,
      ...handshake,
      edited,
      { type: 'sent' },
      { type: 'obstructed', error, at: 0 },
    ]
    expect(kindAfter(...away)).toBe('error')
    expect(kindAfter(...away, { type: 'unobstructed' })).toBe('syncing')
    expect(kindAfter(...away, { type: 'acknowledged', at: 1 })).toBe('saved')
    expect(kindAfter(...away, { type: 'session-ended' }, disconnected)).toBe('offline')
  })

  test('an edit that nothing keeps, with no server to send it to, is an error; when asked for memory it is not', () => {
    const error = new TidemarkError('local-storage-full')
    expect(kindAfter(loaded, disconnected, { type: 'store-failed', error })).toBe('offline')
    expect(kindAfter(loaded, disconnected, { type: 'store-failed', error }, edited)).toBe('error')
    expect(kindAfter(loaded, disconnected, { type: 'store-failed', error }, edited, { type: 'store-recovered' })).toBe(
      'offline',
    )
    const inMemory: Happening = {
      type: 'loaded',
      localStore: { kind: 'memory', reason: null },
      made: new Map(),
      acknowledged: new Map(),
    }
    expect(kindAfter(inMemory, disconnected, edited)).toBe('offline')
  })
})

describe('[H5] the indicator shows colour, icon and words', () => {
  test.each([
    [[], 'grey', 'Opening…'],
    [[loaded, connected], 'yellow', 'Syncing…'],
    [[loaded, connected, ...handshake], 'green', 'Saved'],
    [[loaded, disconnected], 'grey', 'Offline'],
    [[loaded, { type: 'obstructed', error: new TidemarkError('read-only'), at: 0 }], 'red', 'Error'],
  ] as [Happening[], string, string][])('%#', (happenings, tone, label) => {
    const indicator = indicatorOf(statusOf(situationAfter(...happenings)))
    expect(indicator).toMatchObject({ tone, label })
    expect(indicator.icon).not.toBe('')
    expect(indicator.detail).not.toBe('')
  })

  test('red says the reason', () => {
    const error = new TidemarkError('read-only')
    const indicator = indicatorOf(statusOf(situationAfter(loaded, { type: 'obstructed', error, at: 0 })))
    expect(indicator.detail).toBe(error.message)
  })

  describe('[R2.3] on a device that keeps nothing', () => {
    const inMemory: Happening = {
      type: 'loaded',
      localStore: { kind: 'memory', reason: null },
      made: new Map(),
      acknowledged: new Map(),
    }
    const lost: Happening = { type: 'store-lost', error: new TidemarkError('local-storage-unavailable') }

    test.each(errorCodes)('%s does not promise that edits are kept, offline or in red', (code) => {
      const error = new TidemarkError(code)
      for (const without of [[inMemory], [loaded, lost]]) {
        for (const failure of [
          [disconnected, { type: 'connection-failed', error, at: 0 }],
          [{ type: 'obstructed', error, at: 0 }],
        ] as Happening[][]) {
          const status = statusOf(situationAfter(...without, ...failure))
          if (status.kind !== 'offline' && status.kind !== 'error') throw new Error(status.kind)
          expect(status.error?.code).toBe(code)
          expect(indicatorOf(status).detail).not.toMatch(/(are|is) kept/)
          expect(status.error?.message).not.toMatch(/(are|is) kept/)
          // as an app has it that makes a status of its own
          expect(indicatorOf({ ...status, error } as typeof status).detail).not.toMatch(/(are|is) kept/)
        }
      }
    })

    test('it says to keep the page open, and how much is in it only', () => {
      const { detail } = indicatorOf(statusOf(situationAfter(inMemory, disconnected, edited)))
      expect(detail).toMatch(/Keep this page open.*1 edit not on the server yet/)
    })

    test('the same failure stays the same error', () => {
      const error = new TidemarkError('storage-unavailable')
      const errorAfter = (...more: Happening[]) => {
        const status = statusOf(situationAfter(inMemory, { type: 'obstructed', error, at: 0 }, ...more))
        return status.kind === 'error' && status.error
      }
      expect(errorAfter(edited)).toBe(errorAfter())
    })
  })

  test('offline says how much is not on the server', () => {
    const { detail } = indicatorOf(statusOf(situationAfter(loaded, disconnected, edited)))
    expect(detail).toContain('1 edit not on the server yet')
  })
})

test('[D2.2] a full device is part of the status for as long as it lasts, whatever else is true', () => {
  const error = new TidemarkError('local-storage-full')
  const full = situationAfter(loaded, connected, ...handshake, { type: 'store-failed', error })
  expect(statusOf(full)).toMatchObject({ kind: 'saved', localStore: { kind: 'indexeddb', failure: error } })
  expect(statusOf(after(full, { type: 'store-recovered' })).localStore).toEqual({ kind: 'indexeddb' })
})
