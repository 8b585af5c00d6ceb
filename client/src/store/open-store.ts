import { type Clock, TidemarkError } from '@tidemark/shared'
import type * as Y from 'yjs'
import { IndexeddbStore } from './indexeddb-store.ts'
import type { LocalStore, StoreEvents } from './local-store.ts'
import { type MemoryShelves, MemoryStore } from './memory-store.ts'

export type LocalStoreKind = 'indexeddb' | 'memory'

export interface StoreMeans {
  readonly kind: LocalStoreKind
  readonly clock: Clock
  readonly openTimeLimit: number
  readonly shelves: MemoryShelves
}

/** @throws {TidemarkError} `local-storage-unavailable` */
export function createStore(name: string, doc: Y.Doc, means: StoreMeans, events: StoreEvents): LocalStore {
  if (means.kind === 'memory') return new MemoryStore(name, doc, means.shelves, events)
  // reading the property alone may throw, where a browser forbids storage to a page
  try {
    if (!globalThis.indexedDB) throw new Error('there is no IndexedDB here')
    return new IndexeddbStore(name, doc, means, events)
  } catch (cause) {
    throw new TidemarkError('local-storage-unavailable', undefined, { cause })
  }
}

/**
 * The name of a document's local database. An empty namespace leaves the document's own name: what an app has
 * stored with y-indexeddb opens then.
 */
export function databaseName(namespace: string, document: string): string {
  return namespace === '' ? document : `${encodeURIComponent(namespace)}:${document}`
}

/** @returns null when the database belongs to another namespace */
export function documentOfDatabase(namespace: string, database: string): string | null {
  const prefix = `${encodeURIComponent(namespace)}:`
  return namespace !== '' && database.startsWith(prefix) ? database.slice(prefix.length) : null
}
