import type { TidemarkClient } from '../client.ts'
import type { TidemarkDocument } from '../document.ts'
import { defaultTag, type SyncRegistration } from './sync-api.ts'

export interface BackgroundSyncOptions {
  /** What the worker's handler listens for. Default `tidemark`. */
  readonly tag?: string
  /** Of the app's service worker. Default: `navigator.serviceWorker.ready`. */
  readonly registration?: SyncRegistration | Promise<SyncRegistration>
}

/**
 * Asks the browser to wake the app's service worker when there is a network, whenever edits may outlive the page
 * unsaved (D3.7): they are pending without a connection, or the page is being left. Does nothing where the browser has
 * no Background Sync, or does not allow it: the edits are sent at the next visit then.
 * @returns a function that stops it
 */
export function registerBackgroundSync(
  client: TidemarkClient,
  { tag = defaultTag, registration = readyWorker() }: BackgroundSyncOptions = {},
): () => void {
  let worker: SyncRegistration | null = null
  let isWanted = false
  const ask = () => {
    isWanted = true
    worker?.sync?.register(tag).catch(() => {
      // not allowed here
    })
  }
  Promise.resolve(registration).then(
    (found) => {
      worker = found
      if (isWanted) ask()
    },
    () => {},
  )
  const offs: (() => void)[] = []
  /** Those for which the browser was asked already, until they are saved. */
  const asked = new Set<TidemarkDocument>()
  const pending = (document: TidemarkDocument) => {
    if (document.connectionStatus === 'connected' || asked.has(document)) return
    asked.add(document)
    ask()
  }
  const watch = (document: TidemarkDocument) => {
    const look = () => {
      if (document.hasUnsyncedChanges) pending(document)
    }
    // `status` as well: the connection may go after the edit was made
    offs.push(document.on('pending', look), document.on('status', look))
    offs.push(document.on('drained', () => asked.delete(document)))
    look()
  }
  const leaving = () => {
    if (globalThis.document?.visibilityState !== 'visible' && client.getStatus().total > 0) ask()
  }
  for (const document of client.documents) watch(document)
  offs.push(client.on('opened', watch))
  const events: [EventTarget | undefined, string][] = [
    [globalThis.document, 'visibilitychange'],
    [globalThis.window, 'pagehide'],
  ]
  for (const [target, event] of events) target?.addEventListener(event, leaving)
  return () => {
    for (const off of offs) off()
    for (const [target, event] of events) target?.removeEventListener(event, leaving)
  }
}

function readyWorker(): Promise<SyncRegistration> {
  const ready: Promise<unknown> | undefined = globalThis.navigator?.serviceWorker?.ready
  return (ready ?? Promise.reject(new Error('no service workers here'))) as Promise<SyncRegistration>
}
