import type { Channel, PageEvents, TabWorld } from './world.ts'

/** This browser. Where the page may not use something, it counts as missing. */
export const browserWorld: TabWorld = {
  locks: globalThis.navigator?.locks ?? null,
  openChannel,
  page: {
    get isVisible() {
      // a worker has no document, and is never seen
      return globalThis.document?.visibilityState === 'visible'
    },
    listen,
  },
}

function openChannel(name: string): Channel | null {
  if (typeof BroadcastChannel !== 'function') return null
  let broadcast: BroadcastChannel
  try {
    broadcast = new BroadcastChannel(name)
  } catch {
    // a sandboxed page may have the class and not the right to use it
    return null
  }
  // in Node an open channel would keep the process from ending
  ;(broadcast as unknown as { unref?: () => void }).unref?.()
  const channel: Channel = {
    post: (message) => broadcast.postMessage(message),
    close: () => broadcast.close(),
    onMessage() {},
  }
  broadcast.onmessage = ({ data }: MessageEvent<unknown>) => channel.onMessage(data)
  return channel
}

function listen({ visibilityChanged, stopping, resumed }: PageEvents): () => void {
  const page = globalThis.document
  if (!page) return () => {}
  const listeners: [EventTarget, string, () => void][] = [
    [page, 'visibilitychange', visibilityChanged],
    [page, 'freeze', stopping],
    [page, 'resume', resumed],
    [globalThis, 'pagehide', stopping],
    [globalThis, 'pageshow', resumed],
  ]
  for (const [target, name, listener] of listeners) target.addEventListener(name, listener)
  return () => {
    for (const [target, name, listener] of listeners) target.removeEventListener(name, listener)
  }
}
