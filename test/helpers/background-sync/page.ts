/** A page of an app that has a service worker of its own, and Background Sync in it. */
import { createClient } from '@tidemark/client'
import { registerBackgroundSync } from '@tidemark/client/background-sync'

declare global {
  interface Window {
    app: {
      write(document: string, text: string): Promise<void>
      status(document: string): { kind: string; pendingCount: number }
      tags(): Promise<string[]>
    }
  }
}

const search = new URLSearchParams(location.search)
const url = search.get('server')!
await navigator.serviceWorker.register(`/worker.js?server=${encodeURIComponent(url)}`, { type: 'module' })
const registration = (await navigator.serviceWorker.ready) as ServiceWorkerRegistration & {
  sync: { getTags(): Promise<string[]> }
}
const client = createClient({ url, auth: async () => (await fetch('/token')).text() })
// Chromium, which has a network all the time here, wakes the worker as soon as it is asked.
if (!search.has('unasked')) registerBackgroundSync(client)

window.app = {
  async write(name, text) {
    const document = client.open(name)
    await document.whenLoaded
    document.doc.getText('t').insert(0, text)
  },
  status(name) {
    const { kind, pendingCount } = client.open(name).status
    return { kind, pendingCount }
  },
  tags: () => registration.sync.getTags(),
}
