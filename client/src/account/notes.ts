import { begin, completionOf, customStore, openDatabase, openExisting, resultOf } from '../store/idb.ts'

/** Where a device notes, for each server, which account was here last: by its key, not by its name. */
export interface AccountNotes {
  read(url: string): Promise<string | null>
  /** @param next what is to be noted instead of what is: null for nothing */
  update(url: string, next: (noted: string | null) => string | null): Promise<void>
}

// Beside the documents' databases: service workers have no localStorage. No document's database has such a name.
const place = 'tidemark//accounts'

export const browserNotes: AccountNotes = {
  async read(url) {
    const database = await openExisting(place)
    if (!database) return null
    try {
      return asKey(await resultOf<unknown>(begin(database, customStore).objectStore(customStore).get(url)))
    } finally {
      database.close()
    }
  },
  async update(url, next) {
    const { database } = await openDatabase(place)
    try {
      const transaction = begin(database, customStore, 'readwrite')
      const notes = transaction.objectStore(customStore)
      const request = notes.get(url)
      request.onsuccess = () => {
        const noted = asKey(request.result)
        const key = next(noted)
        if (key === null) notes.delete(url)
        else if (key !== noted) notes.put(key, url)
      }
      await completionOf(transaction)
    } finally {
      database.close()
    }
  },
}

function asKey(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
