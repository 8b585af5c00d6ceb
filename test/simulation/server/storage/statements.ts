import type { StoredDocument, Tables } from './tables.ts'

type Values = readonly unknown[]
type Row = Record<string, unknown>

/** What a statement meets when it runs. */
export interface Circumstances {
  readonly tables: Tables
  /** Whether somebody holds the document's row. */
  isHeld(name: string): boolean
  /** When its transaction began, in microseconds; no two have the same. */
  readonly stamp: number
}

/** What the storage has to know of a statement before it runs it, and how it runs it. */
export interface Meaning {
  readonly does: 'read' | 'write'
  readonly table: 'documents' | 'updates' | 'snapshots' | 'quarantine' | null
  /** The documents that it writes to. */
  documents(tables: Tables, values: Values): string[]
  /** Whether it waits for whoever holds their rows; otherwise it leaves such a document out. */
  readonly waits: boolean
  run(circumstances: Circumstances, values: Values): Row[]
}

const ofName = (_: Tables, [name]: Values) => [String(name)]
const ofId = (tables: Tables, [id]: Values) => namesOf(tables, [Number(id)])
const namesOf = (tables: Tables, ids: readonly number[]) => ids.flatMap((id) => tables.byId(id)?.name ?? [])

/** What each of the server's statements does, by its name; the SQL itself is tried on real databases by the contract. */
export const meanings: { readonly [statement: string]: Meaning } = {
  'tidemark-document-find': {
    does: 'read',
    table: 'documents',
    documents: ofName,
    waits: true,
    run({ tables }, [name, largest]) {
      const document = tables.documents.get(String(name))
      if (!document) return []
      const [newest = null] = revisionsOf(document, 'snapshot').reverse()
      const found = newest === null ? undefined : document.snapshots.get(newest)
      const size = found?.bytes.byteLength ?? null
      const snapshot = {
        revision: newest,
        size,
        crc: found?.crc ?? null,
        bytes: found && size! <= Number(largest) ? found.bytes : null,
        missing: found?.missing ?? null,
      }
      const isUpdate = (row: string) => row.startsWith('update ')
      const quarantined = [...document.quarantine].filter(isUpdate).map((row) => row.slice('update '.length))
      return [{ ...columnsOf(document), ...snapshot, quarantined: quarantined.join(',') || null }]
    },
  },

  'tidemark-document-create': {
    does: 'write',
    table: 'documents',
    documents: ofName,
    waits: true,
    run: ({ tables }, [name]) => (tables.documents.has(String(name)) ? [] : [columnsOf(tables.create(String(name)))]),
  },

  'tidemark-document-epoch': {
    does: 'read',
    table: 'documents',
    documents: ofName,
    waits: true,
    run({ tables }, [name]) {
      const document = tables.documents.get(String(name))
      return document ? [{ epoch: document.epoch }] : []
    },
  },

  'tidemark-document-page': {
    does: 'read',
    table: 'updates',
    documents: ofId,
    waits: true,
    run({ tables }, [id, after, largest, limit]) {
      const document = tables.byId(Number(id))
      const revisions = document ? revisionsOf(document, 'update').filter((revision) => revision > Number(after)) : []
      const candidates = revisions.slice(0, Number(limit))
      let through = 0
      const taken = candidates.filter((revision) => {
        const size = document!.updates.get(revision)!.bytes.byteLength
        if (size <= Number(largest)) through += size
        return through <= Number(largest)
      })
      const page = taken.length === 0 ? null : pageOf(document!, taken, Number(largest))
      return [{ page, taken: taken.length, seen: taken.length === 0 ? null : candidates.length }]
    },
  },

  'tidemark-piece-of-updates': pieceOf('updates'),
  'tidemark-piece-of-snapshots': pieceOf('snapshots'),

  'tidemark-journal-commit': {
    does: 'write',
    table: 'updates',
    documents: (tables, [ids]) => namesOf(tables, numbers(ids)),
    waits: false,
    run({ tables, isHeld, stamp }, values) {
      const [ids, counts, epochs, updateIds, , starts, lengths, authors, bytes, heads, checksums, stamps, joining] =
        values
      const [count, owner, start, length, head, crc, mark] = [
        counts,
        updateIds,
        starts,
        lengths,
        heads,
        checksums,
        stamps,
      ].map(numbers)
      const [epoch, author] = [elements(epochs), elements(authors)]
      return numbers(ids).flatMap((id, index) => {
        const document = tables.byId(id)
        if (!document || document.epoch !== epoch[index] || isHeld(document.name)) return []
        const known = head![index]!
        const isKnown = known === 0 || Number.isNaN(mark![index]) || document.updates.get(known)?.stamp === mark![index]
        if (!isKnown || document.head < known || (document.head > known && joining !== true)) return []
        const rows = owner!.flatMap((owner, row) => {
          if (owner !== id) return []
          const update = (bytes as Uint8Array).slice(start![row]! - 1, start![row]! - 1 + length![row]!)
          return [{ bytes: update, committed: update, author: author[row] ?? null, crc: crc![row]!, stamp }]
        })
        if (rows.length !== count![index]) throw new Error('a portion does not count its updates')
        tables.append(document, rows)
        return [{ id, head: document.head, stamp }]
      })
    },
  },

  'tidemark-journal-standing': {
    does: 'read',
    table: 'updates',
    documents: (tables, [ids]) => namesOf(tables, numbers(ids)),
    waits: false,
    run({ tables }, [ids, epochs, heads]) {
      const [epoch, head] = [elements(epochs), numbers(heads)]
      return numbers(ids).flatMap((id, index) => {
        const document = tables.byId(id)
        if (!document || document.epoch !== epoch[index]) return []
        const stampAt = (revision: number) => document.updates.get(revision)?.stamp ?? null
        return [{ id, head: document.head, known: stampAt(head[index]!), newest: stampAt(document.head) }]
      })
    },
  },

  'tidemark-journal-rows': {
    does: 'read',
    table: 'updates',
    documents: ofId,
    waits: false,
    run({ tables }, [id, after, limit]) {
      const updates = tables.byId(Number(id))?.updates ?? []
      const rows = [...updates].filter(([revision]) => revision > Number(after)).sort(([one], [other]) => one - other)
      return rows.slice(0, Number(limit)).map(([revision, { bytes, stamp }]) => ({ revision, bytes, stamp }))
    },
  },

  'tidemark-snapshot-save': {
    does: 'write',
    table: 'snapshots',
    documents: ofId,
    waits: true,
    run({ tables }, [id, at, given, epoch, stamp, crc, missing]) {
      const document = tables.byId(Number(id))
      const revision = Number(at)
      if (!document || document.epoch !== epoch || document.head < revision) return []
      if (stamp !== null && document.updates.get(revision)?.stamp !== stamp) return []
      // the delete sees what was there before the insert, as all parts of one statement do
      const before = [...document.snapshots.keys()].filter((other) => other < revision)
      const oldest = Math.max(...before.filter((other) => !document.quarantine.has(`snapshot ${other}`)))
      const bytes = (given as Uint8Array).slice()
      const lacking = elements(missing).join(',')
      tables.saveSnapshot(document, revision, { bytes, committed: bytes, crc: Number(crc), missing: lacking })
      tables.dropSnapshots(document, (other) => other < oldest)
      return [{ id }]
    },
  },

  'tidemark-quarantine': {
    does: 'write',
    table: 'quarantine',
    documents: ofId,
    waits: true,
    run({ tables }, [id, revision, source]) {
      const document = tables.byId(Number(id))
      const row = `${source} ${revision}`
      if (!document || document.quarantine.has(row)) return []
      tables.commit([{ act: () => document.quarantine.add(row), undo: () => document.quarantine.delete(row) }])
      return []
    },
  },
}

const columnsOf = ({ id, epoch, head }: StoredDocument): Row => ({ id, epoch, head })

/** In order, without the quarantined ones. */
function revisionsOf(document: StoredDocument, source: 'update' | 'snapshot'): number[] {
  const rows = source === 'update' ? document.updates : document.snapshots
  return [...rows.keys()].filter((revision) => !document.quarantine.has(`${source} ${revision}`)).sort((a, b) => a - b)
}

function pageOf(document: StoredDocument, revisions: readonly number[], largest: number): Uint8Array {
  const parts = revisions.flatMap((revision) => {
    const { bytes, crc } = document.updates.get(revision)!
    const head = Buffer.alloc(20)
    head.writeBigInt64BE(BigInt(revision))
    head.writeInt32BE(bytes.byteLength, 8)
    head.writeBigInt64BE(BigInt(crc ?? -1), 12)
    return bytes.byteLength <= largest ? [head, bytes] : [head]
  })
  return Buffer.concat(parts)
}

function pieceOf(table: 'updates' | 'snapshots'): Meaning {
  return {
    does: 'read',
    table,
    documents: ofId,
    waits: true,
    run({ tables }, [id, revision, from, length]) {
      const row = tables.byId(Number(id))?.[table].get(Number(revision))
      if (!row) return []
      const begin = Number(from) - 1
      const piece = row.bytes.slice(begin, begin + Number(length))
      return [{ piece, size: row.bytes.byteLength, crc: row.crc }]
    },
  }
}

/** An array in PostgreSQL's notation (manual, 8.15.6). */
function elements(array: unknown): (string | null)[] {
  const found = String(array).matchAll(/"((?:[^"\\]|\\.)*)"|([^{},"]+)/g)
  return [...found].map(([, quoted, plain]) => {
    if (quoted !== undefined) return quoted.replace(/\\(.)/g, '$1')
    return plain === 'null' ? null : (plain ?? null)
  })
}

const numbers = (array: unknown): number[] =>
  elements(array).map((element) => (element === null ? Number.NaN : Number(element)))
