import { pendingIn } from './store/dirty-mark.ts'
import { deleteDatabase, openDatabase } from './store/idb.ts'
import type { MemoryShelves } from './store/memory-store.ts'
import { databaseName, documentOfDatabase } from './store/open-store.ts'
import { readContents } from './store/rows.ts'

/** The copies that one namespace keeps on this device, opened or not. */
export class LocalDatabases {
  readonly #namespace: string
  readonly #shelves: MemoryShelves
  /** Documents opened by this client; where the browser cannot list databases, or they have no prefix, these count. */
  readonly #opened = new Set<string>()

  constructor(namespace: string, shelves: MemoryShelves) {
    this.#namespace = namespace
    this.#shelves = shelves
  }

  opened(document: string): void {
    this.#opened.add(document)
  }

  /** The names of the documents that are kept here. */
  async documents(): Promise<string[]> {
    const names = new Set(this.#opened)
    for (const database of (await listDatabases()) ?? []) {
      const document = documentOfDatabase(this.#namespace, database)
      if (document !== null) names.add(document)
    }
    return [...names]
  }

  /** How many edits of a document that is not open are pending. */
  async pendingCount(document: string): Promise<number> {
    const name = databaseName(this.#namespace, document)
    const inMemory = this.#shelves.pendingCount(name)
    const listed = await listDatabases()
    // looking into a database that is not there would make it
    if (!globalThis.indexedDB || (listed && !listed.includes(name))) return inMemory
    const { database } = await openDatabase(name)
    try {
      let count = inMemory
      for (const mark of (await readContents(database)).marks.values()) count += pendingIn(mark)
      return count
    } finally {
      database.close()
    }
  }

  async delete(document: string): Promise<void> {
    const name = databaseName(this.#namespace, document)
    this.#shelves.delete(name)
    if (globalThis.indexedDB) await deleteDatabase(name)
    this.#opened.delete(document)
  }
}

/** @returns null where the browser does not tell: what was opened is all that is known then */
async function listDatabases(): Promise<string[] | null> {
  try {
    const databases = await globalThis.indexedDB.databases()
    return databases.flatMap(({ name }) => (name === undefined ? [] : [name]))
  } catch {
    return null
  }
}
