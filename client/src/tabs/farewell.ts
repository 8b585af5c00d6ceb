import { lateName, type Meeting } from './messages.ts'
import type { TabWorld } from './world.ts'

/** The last word of an opening of which the others have not heard: what it wrote is on the disk now. */
export function sayFarewell(world: TabWorld, place: Omit<Meeting, 'account'>): void {
  const channel = world.openChannel(lateName(place))
  channel?.post('stored')
  channel?.close()
}

/** @returns a function that listens no more */
export function hearFarewells(world: TabWorld, place: Omit<Meeting, 'account'>, heard: () => void): () => void {
  const channel = world.openChannel(lateName(place))
  if (!channel) return () => {}
  channel.onMessage = heard
  return () => channel.close()
}
