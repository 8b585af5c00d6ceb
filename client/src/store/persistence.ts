import type { Observable } from 'lib0/observable'
import { IndexeddbPersistence } from 'y-indexeddb'
import type * as Y from 'yjs'

/** What of y-indexeddb's class is used here; `_db` is left out because it is overridden by an accessor below. */
interface Persistence extends Observable<string> {
  readonly doc: Y.Doc
  name: string
  db: IDBDatabase | null
  synced: boolean
  _destroyed: boolean
  _storeUpdate: (update: Uint8Array, origin: unknown) => void
  destroy(): Promise<void>
}
const Persistence = IndexeddbPersistence as unknown as new (name: string, doc: Y.Doc) => Persistence

/**
 * y-indexeddb's persistence, held still. Its constructor opens the database, reads it and subscribes to the document,
 * all without an error path. Here only the opening goes on: the accessor `_db` takes it out of its hands before it
 * reads, and its subscriptions are taken back.
 */
export class QuietPersistence extends Persistence {
  // Set by y-indexeddb's constructor, before fields of this class exist.
  declare protected opening: Promise<IDBDatabase>

  constructor(name: string, doc: Y.Doc) {
    super(name, doc)
    doc.off('update', this._storeUpdate)
    // who opened the document closes it, when the Y.Doc is destroyed, too: not before what was written is in
    doc.off('destroy', this.destroy)
  }

  /** @internal what y-indexeddb's own methods wait for; before the database is adopted, nothing happens on it */
  get _db(): Promise<IDBDatabase> {
    return this.db ? Promise.resolve(this.db) : new Promise(() => {})
  }

  set _db(opening: Promise<IDBDatabase>) {
    // a failure is met where the opening is waited for
    opening.catch(() => {})
    this.opening = opening
  }
}
