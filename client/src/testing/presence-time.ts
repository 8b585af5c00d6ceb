import type { Clock } from '@tidemark/shared'
import { type Awareness, outdatedTimeout, removeAwarenessStates } from 'y-protocols/awareness'

interface AwarenessChange {
  readonly added: number[]
  readonly updated: number[]
}

/** How often y-protocols looks, in ms. */
const looksEvery = outdatedTimeout / 10

/**
 * Presence is renewed and runs out by the given clock. y-protocols does the same by the real time, which has nothing to
 * say in a simulated world, and whose timer would keep a test runner from ending.
 */
export function keepTime(awareness: Awareness, clock: Clock): void {
  clearInterval(awareness._checkInterval)
  const lastSeen = new Map<number, number>()
  let time = 0
  awareness.on('update', ({ added, updated }: AwarenessChange) => {
    for (const client of [...added, ...updated]) lastSeen.set(client, time)
  })
  let cancel = () => {}
  const look = () => {
    time += looksEvery
    const own = awareness.getLocalState()
    if (own && time - (lastSeen.get(awareness.clientID) ?? 0) >= outdatedTimeout / 2) awareness.setLocalState(own)
    const silent = [...awareness.getStates().keys()].filter(
      (client) => client !== awareness.clientID && time - (lastSeen.get(client) ?? 0) >= outdatedTimeout,
    )
    if (silent.length > 0) removeAwarenessStates(awareness, silent, 'timeout')
    cancel = clock.after(looksEvery, look)
  }
  cancel = clock.after(looksEvery, look)
  awareness.on('destroy', () => cancel())
}
