import { TidemarkError } from '@tidemark/shared'
import { describe, expect, it } from 'vitest'
import { announcementOf, type Spoken } from './announcement.ts'
import type { Status } from './client-types.ts'

const facts = {
  status: 'connected',
  pendingCount: 0,
  lastSavedAt: null,
  localStore: { kind: 'indexeddb' },
  level: 'write',
  attention: null,
} as const
const saved: Status = { ...facts, kind: 'saved' }
const syncing: Status = { ...facts, kind: 'syncing' }
const offline: Status = { ...facts, kind: 'offline', error: null }
const failed: Status = { ...facts, kind: 'error', error: new TidemarkError('read-only') }

/** What a screen reader hears through a day of statuses; `true` marks one that lasted. */
function heard(day: readonly (readonly [Status, boolean?])[]): readonly string[] {
  let spoken: Spoken = 'nothing'
  const said: string[] = []
  for (const [status, waited = false] of day) {
    const next = announcementOf(spoken, status, { label: status.kind, detail: '' }, waited)
    if (next) {
      spoken = next.spoken
      said.push(next.text)
    }
  }
  return said
}

describe('[H5] the indicator, read aloud', () => {
  it('typing is not talked over: "saved" once, however many edits come and go', () => {
    expect(heard([[syncing], [saved], [syncing], [saved], [syncing], [saved]])).toEqual(['saved'])
  })

  it('a wait is mentioned when it lasts, and its end too', () => {
    expect(heard([[saved], [syncing], [syncing, true], [saved]])).toEqual(['saved', 'syncing', 'saved'])
  })

  it('trouble is said at once, and once', () => {
    expect(heard([[saved], [offline], [offline], [failed], [failed], [saved]])).toEqual([
      'saved',
      'offline',
      'error',
      'saved',
    ])
  })
})
