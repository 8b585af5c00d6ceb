import { type Kysely, sql } from 'kysely'
import type { Schema } from '../database/schema.ts'

/** What the database knows of one document. */
export interface DocumentSummary {
  readonly name: string
  readonly epoch: string
  /** The newest revision; 0 for a document that nobody wrote to yet. */
  readonly head: number
  /** `null`: no snapshot yet. */
  readonly snapshot: { readonly revision: number; readonly bytes: number; readonly createdAt: Date } | null
  /** The journal after the snapshot: what opening the document reads besides it. */
  readonly tail: { readonly updates: number; readonly bytes: number }
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface QuarantinedRow {
  readonly id: number
  readonly revision: number
  readonly source: 'update' | 'snapshot'
  readonly bytes: number
  readonly reason: string
  readonly createdAt: Date
}

export interface DocumentDetails extends DocumentSummary {
  /** The whole journal, with what a snapshot has made history. */
  readonly journal: { readonly updates: number; readonly bytes: number }
  readonly quarantined: readonly QuarantinedRow[]
}

export interface Page {
  readonly documents: readonly DocumentSummary[]
  /** The cursor of the page after this one; `null` on the last. */
  readonly next: string | null
}

/** Finds documents for administrators. Reads only. */
export interface Catalogue {
  /** In the order of names; `search` is a part of the name, in any case; `cursor` is an earlier page's `next`. */
  list(options: { search: string; limit: number; cursor: string | null }): Promise<Page>
  /** @returns `null` when there is no such document */
  find(name: string): Promise<DocumentDetails | null>
}

/** More than anybody reads; a document with more is broken in one way. */
const maxQuarantined = 100

export function createCatalogue(database: Kysely<Schema>): Catalogue {
  return {
    async list({ search, limit, cursor }) {
      let query = summaries(database)
        .orderBy('documents.name')
        .limit(limit + 1)
      if (search !== '') query = query.where('documents.name', 'ilike', `%${escapeLike(search)}%`)
      if (cursor !== null) query = query.where('documents.name', '>', cursor)
      const rows = await query.execute()
      const documents = rows.slice(0, limit).map(summaryOf)
      return { documents, next: rows.length > limit ? (documents.at(-1)?.name ?? null) : null }
    },

    async find(name) {
      const row = await summaries(database)
        .select('documents.id')
        .select((select) => [
          select
            .selectFrom('updates')
            .whereRef('updates.document_id', '=', 'documents.id')
            .select(sql<number>`count(*)`.as('count'))
            .as('journal_updates'),
          select
            .selectFrom('updates')
            .whereRef('updates.document_id', '=', 'documents.id')
            .select(sql<number>`coalesce(sum(octet_length(bytes)), 0)::bigint`.as('bytes'))
            .as('journal_bytes'),
        ])
        .where('documents.name', '=', name)
        .executeTakeFirst()
      if (!row) return null
      const quarantined = await database
        .selectFrom('quarantine')
        .select(['id', 'revision', 'source', 'reason', 'created_at as createdAt'])
        .select(sql<number>`octet_length(bytes)`.as('bytes'))
        .where('document_id', '=', row.id)
        .orderBy('id', 'desc')
        .limit(maxQuarantined)
        .execute()
      return {
        ...summaryOf(row),
        journal: { updates: Number(row.journal_updates), bytes: Number(row.journal_bytes) },
        quarantined,
      }
    },
  }
}

/** Each document with its newest snapshot and the sum of the journal after it. */
function summaries(database: Kysely<Schema>) {
  return database
    .selectFrom('documents')
    .leftJoinLateral(
      (select) =>
        select
          .selectFrom('snapshots')
          .whereRef('snapshots.document_id', '=', 'documents.id')
          .select(['revision', 'created_at'])
          .select(sql<number>`octet_length(bytes)`.as('bytes'))
          .orderBy('revision', 'desc')
          .limit(1)
          .as('snapshot'),
      (join) => join.onTrue(),
    )
    .leftJoinLateral(
      (select) =>
        select
          .selectFrom('updates')
          .whereRef('updates.document_id', '=', 'documents.id')
          .where((where) => where('updates.revision', '>', sql<number>`coalesce(snapshot.revision, 0)`))
          .select([
            sql<number>`count(*)`.as('updates'),
            sql<number>`coalesce(sum(octet_length(bytes)), 0)::bigint`.as('bytes'),
          ])
          .as('tail'),
      (join) => join.onTrue(),
    )
    .select([
      'documents.name',
      'documents.epoch',
      'documents.head',
      'documents.created_at as createdAt',
      'documents.updated_at as updatedAt',
      'snapshot.revision as snapshotRevision',
      'snapshot.bytes as snapshotBytes',
      'snapshot.created_at as snapshotAt',
      'tail.updates as tailUpdates',
      'tail.bytes as tailBytes',
    ])
}

interface SummaryRow {
  name: string
  epoch: string
  head: number
  createdAt: Date
  updatedAt: Date
  snapshotRevision: number | null
  snapshotBytes: number | null
  snapshotAt: Date | null
  tailUpdates: number | null
  tailBytes: number | null
}

function summaryOf(row: SummaryRow): DocumentSummary {
  const { snapshotRevision, snapshotBytes, snapshotAt } = row
  return {
    name: row.name,
    epoch: row.epoch,
    head: row.head,
    snapshot:
      snapshotRevision === null || snapshotAt === null
        ? null
        : { revision: snapshotRevision, bytes: snapshotBytes ?? 0, createdAt: snapshotAt },
    tail: { updates: row.tailUpdates ?? 0, bytes: row.tailBytes ?? 0 },
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}
