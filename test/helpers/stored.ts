import type { Tab } from './tab.ts'

export interface Stored {
  readonly rows: number
  /** Rows that were ever added, those included that compaction has replaced: the keys are numbers that only grow. */
  readonly added: number
  readonly bytes: number
}

/** What the stores of updates on the tab's device hold, in all documents; both clients use y-indexeddb's format. */
export function storedUpdates(tab: Tab): Promise<Stored> {
  return tab.page.evaluate(async () => {
    const resultOf = <Value>(request: IDBRequest<Value>) =>
      new Promise<Value>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    let rows = 0
    let added = 0
    let bytes = 0
    for (const { name } of await indexedDB.databases()) {
      const database = await resultOf(indexedDB.open(name!))
      if (database.objectStoreNames.contains('updates')) {
        const updates = database.transaction('updates').objectStore('updates')
        const [keys, values] = await Promise.all([resultOf(updates.getAllKeys()), resultOf(updates.getAll())])
        added += Number(keys.at(-1) ?? 0)
        rows += values.length
        for (const value of values) bytes += value instanceof Uint8Array ? value.length : 0
      }
      database.close()
    }
    return { rows, added, bytes }
  })
}
