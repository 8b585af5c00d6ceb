/** The page of an app that is built the usual way: y-indexeddb and a HocuspocusProvider, in each tab for itself. */
import { HocuspocusProvider } from '@hocuspocus/provider'
import { IndexeddbPersistence } from 'y-indexeddb'
import { expose } from './page.ts'

expose('stock', (doc, { url, document: name, token = 'anybody' }, note) => {
  const persistence = new IndexeddbPersistence(name, doc)
  const provider = new HocuspocusProvider({ url, name, document: doc, token })
  provider.on('unsyncedChanges', ({ number }: { number: number }) => note(`unsynced:${number}`))
  provider.on('status', ({ status }: { status: string }) => note(`status:${status}`))
  return {
    awareness: provider.awareness,
    whenLoaded: persistence.whenSynced,
    whenSynced: new Promise((resolve) => provider.on('synced', resolve)),
    status() {
      const { unsyncedChanges, isSynced, configuration } = provider
      const kind = !isSynced ? 'offline' : unsyncedChanges > 0 ? 'syncing' : 'saved'
      const { status } = configuration.websocketProvider
      return { kind, status, pendingCount: unsyncedChanges, localStore: 'indexeddb', code: null }
    },
    async close() {
      provider.destroy()
      await persistence.destroy()
    },
  }
})
