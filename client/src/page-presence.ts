import type { Awareness } from 'y-protocols/awareness'

/**
 * A page that comes back from the browser's cache finds its presence taken away by its own farewell, and setting a
 * field of it does nothing then. This puts it back.
 * @returns a function that stops that
 */
export function keepPresence(awareness: Awareness): () => void {
  if (typeof globalThis.addEventListener !== 'function') return () => {}
  let presence: Record<string, unknown> | null = null
  const hide = () => {
    presence ??= awareness.getLocalState()
  }
  const show = () => {
    if (presence && awareness.getLocalState() === null) awareness.setLocalState(presence)
    presence = null
  }
  globalThis.addEventListener('pagehide', hide)
  globalThis.addEventListener('pageshow', show)
  return () => {
    globalThis.removeEventListener('pagehide', hide)
    globalThis.removeEventListener('pageshow', show)
  }
}
