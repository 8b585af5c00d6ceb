import pg from 'pg'
import * as Y from 'yjs'
import { LoadProcess } from '../load/load-process.ts'
import { typedEdits, writtenDocument } from '../load/text.ts'
import { median } from '../statistics.ts'
import type { Database } from '../systems/postgres.ts'
import type { System } from '../systems/system.ts'
import { type BenchContext, type Figure, type FigureResult, type Row, withLoad } from './figure.ts'
import { largeDocumentBytes } from './large-documents.ts'

const tailLength = 10_000

interface StoredDocument {
  readonly name: string
  readonly snapshot: Uint8Array
  readonly snapshotRevision: number
  readonly tail: readonly Uint8Array[]
}

/** How long a fresh provider waits for a cold document, by how it lies in the database. */
export const openingFigure: Figure = {
  name: 'opening',
  async run(context): Promise<FigureResult> {
    const repeats = context.quick ? 2 : 5
    const rows: Row[] = []
    for (const { size, seedBytes } of [
      { size: 'small document', seedBytes: 0 },
      { size: '1.3 MB document', seedBytes: largeDocumentBytes },
    ]) {
      const base = seedBytes > 0 ? writtenDocument(seedBytes) : []
      const tail = typedEdits(base, tailLength)
      const whole = Y.mergeUpdates([...base, ...tail])
      const tailed = { name: 'tailed', snapshot: mergeOrEmpty(base), snapshotRevision: 0, tail }
      const merged = { name: 'merged', snapshot: collected(whole), snapshotRevision: tailLength, tail: [] }
      const wholeMs: { [name: string]: number[] } = {}
      const tailMs: number[] = []
      for (const system of context.systems.filter(({ stores }) => stores)) {
        const database = await prepared(context, system, [tailed, merged])
        for (let repeat = 0; repeat < repeats; repeat++) {
          ;(wholeMs[system.name] ??= []).push(await openCold(system, database, 'merged', merged.snapshot))
          if (system.name === 'tidemark') tailMs.push(await openCold(system, database, 'tailed', merged.snapshot))
        }
        context.log(
          `${system.name} ${size}: one snapshot ${median(wholeMs[system.name]!)?.toFixed(1)} ms` +
            (system.name === 'tidemark' ? `, with tail ${median(tailMs)?.toFixed(1)} ms` : ''),
        )
      }
      const slower = tailMs.map((ms, repeat) => ms / wholeMs.tidemark![repeat]!)
      rows.push(
        { metric: `${size}: one snapshot that holds all`, unit: 'ms', values: wholeMs },
        {
          metric: `${size}: snapshot + ${tailLength.toLocaleString('en')} updates`,
          unit: 'ms',
          values: { tidemark: tailMs },
        },
        {
          metric: `${size}: the second ÷ the first`,
          unit: '×',
          values: { tidemark: slower },
          target: { kind: 'at-most', limit: 1.5 },
        },
      )
    }
    return {
      title: `Opening a document with a tail of ${tailLength.toLocaleString('en')} updates`,
      ran:
        'A fresh provider until synced, on a server started anew each time (which has opened one other, empty document ' +
        `before). The same content twice: as a snapshot at revision 0 (empty, or 1.3 MB) with ${tailLength.toLocaleString('en')} ` +
        `journal rows of somebody typing, and as one snapshot. ${repeats} pairs, alternating. Stock’s column is its one ` +
        'row with the whole document.',
      rows,
      notes: [],
    }
  },
}

const mergeOrEmpty = (updates: readonly Uint8Array[]): Uint8Array =>
  updates.length > 0 ? collected(Y.mergeUpdates([...updates])) : Y.encodeStateAsUpdate(new Y.Doc())

/** As a server stores it: through a document, so that what was deleted is collected. */
function collected(update: Uint8Array): Uint8Array {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, update)
  const bytes = Y.encodeStateAsUpdate(doc)
  doc.destroy()
  return bytes
}

/** Lets the system make its own tables, then puts the documents into them. */
async function prepared(
  context: BenchContext,
  system: System,
  documents: readonly StoredDocument[],
): Promise<Database> {
  const database = await context.postgres.createDatabase()
  const { process } = await system.start({ database })
  await process.stop()
  const client = new pg.Client(database.url)
  await client.connect()
  try {
    for (const document of documents) {
      if (system.name === 'tidemark') await insertTidemark(client, document)
      else if (document.tail.length === 0) {
        await client.query('insert into documents (name, data) values ($1, $2)', [document.name, document.snapshot])
      }
    }
    await client.query('vacuum analyze')
  } finally {
    await client.end()
  }
  return database
}

async function insertTidemark(client: pg.Client, document: StoredDocument): Promise<void> {
  const head = document.snapshotRevision + document.tail.length
  const { rows } = await client.query<{ id: string }>(
    'insert into tidemark_store.documents (name, head) values ($1, $2) returning id',
    [document.name, head],
  )
  const id = rows[0]!.id
  await client.query('insert into tidemark_store.snapshots (document_id, revision, bytes) values ($1, $2, $3)', [
    id,
    document.snapshotRevision,
    Buffer.from(document.snapshot),
  ])
  await client.query(
    `insert into tidemark_store.updates (document_id, revision, bytes, author)
     select $1, $2 + row.number, row.bytes, 'bench' from unnest($3::bytea[]) with ordinality as row (bytes, number)`,
    [id, document.snapshotRevision, document.tail.map((update) => Buffer.from(update))],
  )
}

async function openCold(system: System, database: Database, name: string, expected: Uint8Array): Promise<number> {
  const { process, url } = await system.start({ database })
  try {
    return await withLoad(new LoadProcess(), async (load) => {
      const to = { protocol: system.protocol, url, authors: [] }
      await load.do('open', { ...to, name: 'another' })
      const { ms, length } = await load.do('open', { ...to, name })
      if (length !== lengthOf(expected)) throw new Error(`${name} opened with ${length} letters`)
      return ms
    })
  } finally {
    await process.kill()
  }
}

function lengthOf(update: Uint8Array): number {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, update)
  const { length } = doc.getText('body')
  doc.destroy()
  return length
}
