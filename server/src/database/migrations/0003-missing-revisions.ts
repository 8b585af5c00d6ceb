import { sql, type Transaction } from 'kysely'

/** Which updates a snapshot does not hold because they were in quarantine: mended, they are applied beside it. */
export async function missingRevisions(db: Transaction<unknown>): Promise<void> {
  await sql`alter table tidemark_store.snapshots add column missing bigint[] not null default '{}'`.execute(db)
  // of those that an earlier version stored it is not known; applying an update twice does no harm
  await sql`
    update tidemark_store.snapshots s set missing = q.revisions
    from (
      select document_id, array_agg(revision) as revisions from tidemark_store.quarantine
      where source = 'update' group by document_id
    ) q
    where q.document_id = s.document_id`.execute(db)
}
