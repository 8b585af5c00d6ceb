import { sql, type Transaction } from 'kysely'

/** Who may not come in any more, whatever their token says (S8). */
export async function revocations(db: Transaction<unknown>): Promise<void> {
  await sql`
    create table tidemark_store.revocations (
      kind text not null check (kind in ('user', 'token')),
      subject text not null,
      changed_at timestamptz not null default clock_timestamp(),
      expires_at timestamptz,
      primary key (kind, subject)
    )`.execute(db)
  await sql`create index revocations_changed_at on tidemark_store.revocations (changed_at)`.execute(db)
}
