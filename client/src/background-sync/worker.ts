import type { CatchUpResult } from '../catch-up/catch-up.ts'
import { defaultTag, type SyncEvent } from './sync-api.ts'

/** The worker's global scope: `self`. */
export interface SyncScope {
  addEventListener(type: 'sync', listener: (event: SyncEvent) => void): void
}

export interface BackgroundSyncHandling {
  /**
   * Makes a client with the page's URL and namespace. Its `auth` has to work in the worker: a request with the app's
   * cookie, for example. Nothing of it is stored. It is closed when everything is sent.
   */
  readonly createClient: () => BackgroundClient | Promise<BackgroundClient>
  readonly tag?: string
}

/** What of a `TidemarkClient` is needed here. */
export interface BackgroundClient {
  catchUp(): Promise<CatchUpResult[]>
  close(): Promise<void>
}

/**
 * In the app's service worker, at its first evaluation: sends what is pending on this device when the browser says that
 * there is a network, with or without a tab (D3.7). When something is left the browser is told so, and tries again.
 */
export function handleBackgroundSync(
  scope: SyncScope,
  { createClient, tag = defaultTag }: BackgroundSyncHandling,
): void {
  scope.addEventListener('sync', (event) => {
    if (event.tag === tag) event.waitUntil(sendAll(createClient))
  })
}

async function sendAll(createClient: BackgroundSyncHandling['createClient']): Promise<void> {
  const client = await createClient()
  try {
    for (const result of await client.catchUp()) if (result.outcome === 'failed') throw result.error
  } finally {
    await client.close()
  }
}
