import { systemClock } from '@tidemark/shared'
import type { Database } from '../database/database.ts'
import { findOrCreate } from '../documents/store.ts'
import { Journal } from './journal.ts'
import { JournalLine } from './line.ts'

export async function openLine(database: Database, name: string): Promise<JournalLine> {
  const { id, epoch, head } = await findOrCreate(database, name)
  return new JournalLine({ id, name, epoch, revision: head })
}

/** A journal, and what it told, in order. */
export function openJournal(database: Database, queuedBytes = 2 ** 26) {
  const journal = new Journal(database, { windowMs: 0, queuedBytes }, systemClock, (error) => {
    throw error
  })
  const told: string[] = []
  journal.events.on('storage', ({ available }) => told.push(available ? 'available' : 'away'))
  journal.events.on('document', ({ line, cause }) => told.push(`${line.documentName} ${cause ? 'waits' : 'goes on'}`))
  journal.events.on('failed', ({ line, error }) => told.push(`${line.documentName} ${error.code}`))
  return { journal, told }
}

/** When all that has been appended is committed: how many ms from now. */
export function durableAfter(line: JournalLine): Promise<number> {
  const from = performance.now()
  return new Promise((resolve) => line.whenDurable(() => resolve(performance.now() - from)))
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The texts of a document's journal, in the order of its revisions, which must be without gaps. */
export async function storedTexts(database: Database, { documentId }: JournalLine): Promise<string[]> {
  const rows = await database.kysely
    .selectFrom('updates')
    .where('document_id', '=', documentId)
    .select(['revision', 'bytes'])
    .orderBy('revision')
    .execute()
  for (const [index, { revision }] of rows.entries()) {
    if (revision !== index + 1) throw new Error(`revision ${revision} stands where ${index + 1} should`)
  }
  return rows.map(({ bytes }) => new TextDecoder().decode(bytes))
}
