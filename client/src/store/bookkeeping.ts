import { type DirtyMark, historyKey, isSameMark, readDirtyMark, remainder } from './dirty-mark.ts'
import { completionOf, customStore, resultOf } from './idb.ts'
import type { History } from './local-store.ts'

/**
 * Takes back what an acknowledgement covers: of this opening's mark everything up to `acknowledged`, and the marks
 * that were inherited, as far as they are still what was seen (compare and delete, in one transaction).
 */
export async function clearMarks(
  database: IDBDatabase,
  ownKey: string,
  acknowledged: number,
  inherited: ReadonlyMap<string, DirtyMark>,
): Promise<void> {
  const transaction = database.transaction(customStore, 'readwrite')
  const done = completionOf(transaction)
  const custom = transaction.objectStore(customStore)
  const own = await resultOf<unknown>(custom.get(ownKey))
  if (own !== undefined) {
    const rest = remainder(readDirtyMark(own), acknowledged)
    if (rest) custom.put(rest, ownKey)
    else custom.delete(ownKey)
  }
  for (const [key, seen] of inherited) {
    const mark = await resultOf<unknown>(custom.get(key))
    if (mark !== undefined && isSameMark(readDirtyMark(mark), seen)) custom.delete(key)
  }
  await done
}

export async function writeHistory(database: IDBDatabase, history: History): Promise<void> {
  const transaction = database.transaction(customStore, 'readwrite')
  transaction.objectStore(customStore).put(history, historyKey)
  await completionOf(transaction)
}
