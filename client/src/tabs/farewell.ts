import { type Meeting, meetingName, type TabMessage } from './messages.ts'
import type { TabWorld } from './world.ts'

/**
 * The last word of an opening that was closed before it met the others: what it wrote is on the disk now, and whoever
 * leads looks there.
 */
export function sayFarewell(world: TabWorld, meeting: Meeting, opening: string): void {
  const channel = world.openChannel(meetingName(meeting))
  const message: TabMessage = { from: opening, type: 'bye', storedTo: Number.MAX_SAFE_INTEGER }
  channel?.post(message)
  channel?.close()
}
