import { onTestFinished, vi } from 'vitest'
import { browserWorld } from '../tabs/browser-world.ts'
import type { TabWorld } from '../tabs/world.ts'

/** A page's own events, which Node has none of: whether closing the tab would ask (R2.4), and who listens. */
export function pageListeners() {
  const listeners = new Map<string, Set<unknown>>()
  onTestFinished(() => void vi.unstubAllGlobals())
  vi.stubGlobal('addEventListener', (name: string, listener: unknown) => {
    listeners.set(name, (listeners.get(name) ?? new Set()).add(listener))
  })
  vi.stubGlobal('removeEventListener', (name: string, listener: unknown) => listeners.get(name)?.delete(listener))
  // a page of its own, that holds nothing of what others could not keep
  const tabs: TabWorld = { ...browserWorld, page: { isVisible: true, listen: () => () => {} } }
  return { asks: () => (listeners.get('beforeunload')?.size ?? 0) > 0, listeners, tabs }
}
