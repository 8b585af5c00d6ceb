import { sql, type Transaction } from 'kysely'
import { moveFirstVersion } from '../first-version.ts'

/** The journal, made anew or taken over from the first version, which had no schema of its own. */
export async function journal(db: Transaction<unknown>): Promise<void> {
  if (await moveFirstVersion(db)) return
  await sql`
    create table tidemark_store.documents (
      id bigint generated always as identity primary key,
      name text not null unique,
      epoch uuid not null default gen_random_uuid(),
      head bigint not null default 0 check (head >= 0),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`.execute(db)
  // head changes with every commit: room on the page keeps those updates off the indexes (HOT)
  await sql`alter table tidemark_store.documents set (fillfactor = 50)`.execute(db)
  // No foreign key: its check for each row would cost as much as the row. The statement that inserts holds the lock on
  // the document's row, so it cannot vanish meanwhile; whoever deletes a document deletes its updates (journal/commit.ts).
  await sql`
    create table tidemark_store.updates (
      document_id bigint not null,
      revision bigint not null check (revision > 0),
      bytes bytea not null,
      author text,
      created_at timestamptz not null default now(),
      primary key (document_id, revision)
    )`.execute(db)
  await sql`
    create table tidemark_store.snapshots (
      document_id bigint not null references tidemark_store.documents (id) on delete cascade,
      revision bigint not null check (revision >= 0),
      bytes bytea not null,
      created_at timestamptz not null default now(),
      primary key (document_id, revision)
    )`.execute(db)
  // Yjs updates are dense already; compressing them again costs CPU and gains little
  await sql`alter table tidemark_store.snapshots alter column bytes set storage external`.execute(db)
  await sql`
    create table tidemark_store.quarantine (
      id bigint generated always as identity primary key,
      document_id bigint not null references tidemark_store.documents (id) on delete cascade,
      revision bigint not null,
      source text not null check (source in ('update', 'snapshot')),
      bytes bytea not null,
      reason text not null,
      created_at timestamptz not null default now(),
      unique (document_id, source, revision)
    )`.execute(db)
}
