import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { type CopiesMeans, copiesOf } from './copies.ts'
import { begin, completionOf, customStore, openExisting, updatesStore } from './idb.ts'
import type { SetAsideCopy } from './local-store.ts'
import { parseDatabaseName } from './names.ts'
import type { OpeningMeans } from './opening.ts'
import { inSlices } from './pace.ts'
import { copyKey, pendingOf, setAsideKey } from './records.ts'
import { applyInSlices, type Contents, readContents, readRecordsOf, readRows } from './rows.ts'
import { openRows } from './seals.ts'

/** Those that hold something: what was dropped is a mere signpost to the copy that took its place. */
export async function setAsideCopies(means: OpeningMeans, documents: readonly string[]): Promise<SetAsideCopy[]> {
  const found: SetAsideCopy[] = []
  for (const document of documents) {
    means.onProgress?.()
    for (const { name, records } of await copiesOf(means, document)) {
      if (!records.setAside || !(records.hasQuarantine || (await hasRows(name, means)))) continue
      const { reason, at } = records.setAside
      found.push({ id: name, document, reason, at, pendingCount: pendingOf(records) })
    }
  }
  return found
}

/** @throws {TidemarkError} `not-found` */
export async function readSetAside(id: string, means: OpeningMeans): Promise<Contents> {
  const database = await openSetAside(id, means)
  try {
    return await readContents(database, means.onProgress)
  } finally {
    database.close()
  }
}

/** @throws {TidemarkError} `local-storage-key-wrong` */
export async function applySetAside(id: string, contents: Contents, means: OpeningMeans): Promise<Y.Doc> {
  const doc = new Y.Doc()
  const seals = means.seals?.(id) ?? null
  await seals?.verify(contents)
  const { opened } = await openRows(seals, contents.rows)
  await applyInSlices(doc, opened, 'set-aside', inSlices())
  return doc
}

/**
 * What is behind it stays to be found: the record of where to go on is kept, and so is the database's identity for
 * those who have it open still.
 * @throws {TidemarkError} `not-found`
 */
export async function dropSetAside(id: string, means: CopiesMeans): Promise<void> {
  const database = await openSetAside(id, means)
  try {
    const transaction = begin(database, [updatesStore, customStore], 'readwrite')
    transaction.objectStore(updatesStore).clear()
    const custom = transaction.objectStore(customStore)
    const keys = custom.getAllKeys()
    keys.onsuccess = () => {
      for (const key of keys.result) if (key !== setAsideKey && key !== copyKey) custom.delete(key)
    }
    await completionOf(transaction)
  } finally {
    database.close()
  }
}

async function openSetAside(id: string, means: CopiesMeans): Promise<IDBDatabase> {
  const database = parseDatabaseName(means.namespace, id) ? await openExisting(id, means) : null
  if (database && (await readRecordsOf(database)).setAside) return database
  database?.close()
  throw new TidemarkError('not-found')
}

async function hasRows(name: string, means: CopiesMeans): Promise<boolean> {
  const database = await openExisting(name, means)
  if (!database) return false
  try {
    return (await readRows(database, null, 1)).length > 0
  } finally {
    database.close()
  }
}
