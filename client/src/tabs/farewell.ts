import { lateName, type Meeting } from './messages.ts'
import type { TabWorld } from './world.ts'

/** What was done to a copy by somebody who is not among the tabs that have it open, or not any more. */
export type Farewell = 'stored' | 'set-aside'

/** Says it to all of them, whatever their account; the disk tells them the rest. */
export function sayFarewell(world: TabWorld, place: Omit<Meeting, 'account'>, what: Farewell): void {
  const channel = world.openChannel(lateName(place))
  channel?.post(what)
  channel?.close()
}

/** @returns a function that listens no more */
export function hearFarewells(
  world: TabWorld,
  place: Omit<Meeting, 'account'>,
  heard: (what: Farewell) => void,
): () => void {
  const channel = world.openChannel(lateName(place))
  if (!channel) return () => {}
  channel.onMessage = (what) => heard(what === 'set-aside' ? what : 'stored')
  return () => channel.close()
}
