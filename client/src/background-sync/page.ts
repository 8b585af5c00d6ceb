import type { TidemarkClient } from '../client.ts'
import type { TidemarkDocument } from '../document.ts'
import { watchDocuments } from '../watch-documents.ts'
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
  /** Those for which the browser was asked already, until they are saved. */
  const asked = new Set<TidemarkDocument>()
  const pending = (document: TidemarkDocument) => {
    if (document.connectionStatus === 'connected' || asked.has(document)) return
    asked.add(document)
    ask()
  }
  const stopWatching = watchDocuments(client, {
    watch: (document) => {
      const look = () => {
        if (document.hasUnsyncedChanges) pending(document)
      }
      look()
      // `status` as well: the connection may go after the edit was made
      const offs = [document.on('pending', look), document.on('status', look)]
      return [...offs, document.on('drained', () => asked.delete(document))]
    },
    closed: (document) => {
      // what it leaves on the device may outlive the page, too
      if (document.hasUnsyncedChanges && !asked.has(document)) ask()
      asked.delete(document)
    },
  })
  const leaving = () => {
    if (globalThis.document?.visibilityState !== 'visible' && client.getStatus().total > 0) ask()
  }
  const events: [EventTarget | undefined, string][] = [
    [globalThis.document, 'visibilitychange'],
    [globalThis.window, 'pagehide'],
  ]
  for (const [target, event] of events) target?.addEventListener(event, leaving)
  return () => {
    stopWatching()
    asked.clear()
    for (const [target, event] of events) target?.removeEventListener(event, leaving)
  }
}

function readyWorker(): Promise<SyncRegistration> {
  const ready: Promise<unknown> | undefined = globalThis.navigator?.serviceWorker?.ready
  return (ready ?? Promise.reject(new Error('no service workers here'))) as Promise<SyncRegistration>
}
