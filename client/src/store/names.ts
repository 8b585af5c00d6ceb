/**
 * The name of a document's local database. An empty namespace leaves the document's own name: what an app has
 * stored with y-indexeddb opens then. A copy that takes the place of one that was set aside is its next generation;
 * no document's name has two slashes in a row.
 */
export function databaseName(namespace: string, document: string, generation = 0): string {
  const name = namespace === '' ? document : `${encodeURIComponent(namespace)}:${document}`
  return generation === 0 ? name : `${name}//${generation}`
}

export interface CopyName {
  readonly document: string
  readonly generation: number
}

/** @returns null when the database belongs to another namespace, or cannot be told from an app's own */
export function parseDatabaseName(namespace: string, database: string): CopyName | null {
  const prefix = databaseName(namespace, '')
  if (!database.startsWith(prefix)) return null
  const [document = '', generation = '0', more] = database.slice(prefix.length).split('//')
  if (document === '' || more !== undefined || !/^\d+$/.test(generation)) return null
  return { document, generation: Number(generation) }
}
