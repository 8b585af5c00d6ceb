/** The app's own service worker. Where a token is needed, `auth` fetches one with the app's cookie. */
import { createClient } from '@tidemark/client'
import { handleBackgroundSync, type SyncScope } from '@tidemark/client/background-sync'

const server = new URL(location.href).searchParams.get('server')!

handleBackgroundSync(globalThis as unknown as SyncScope, {
  createClient: () =>
    createClient({
      url: server,
      auth: async () => (await fetch('/token')).text(),
      catchUp: 'manual',
    }),
})
