import type { Tab } from './tab.ts'

export interface Stored {
  readonly rows: number
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
    let bytes = 0
    for (const { name } of await indexedDB.databases()) {
      const database = await resultOf(indexedDB.open(name!))
      if (database.objectStoreNames.contains('updates')) {
        const values = await resultOf(database.transaction('updates').objectStore('updates').getAll())
        rows += values.length
        for (const value of values) bytes += value instanceof Uint8Array ? value.length : 0
      }
      database.close()
    }
    return { rows, bytes }
  })
}
