import { query } from './postgres.ts'

/** The tables of the first version, as its migration made them in the first schema of the search path. */
const journal = `
  create table documents (
    id bigint generated always as identity primary key,
    name text not null unique,
    epoch uuid not null default gen_random_uuid(),
    head bigint not null default 0 check (head >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  ) with (fillfactor = 50);
  create table updates (
    document_id bigint not null,
    revision bigint not null check (revision > 0),
    bytes bytea not null,
    author text,
    created_at timestamptz not null default now(),
    primary key (document_id, revision)
  );
  create table snapshots (
    document_id bigint not null references documents (id) on delete cascade,
    revision bigint not null check (revision >= 0),
    bytes bytea not null,
    created_at timestamptz not null default now(),
    primary key (document_id, revision)
  );
  create table quarantine (
    id bigint generated always as identity primary key,
    document_id bigint not null references documents (id) on delete cascade,
    revision bigint not null,
    source text not null check (source in ('update', 'snapshot')),
    bytes bytea not null,
    reason text not null,
    created_at timestamptz not null default now(),
    unique (document_id, source, revision)
  );`

/** The bookkeeping of Kysely's migrator, which the first version and many applications use. */
export const kyselyMigrations = (...names: string[]): string => `
  create table kysely_migration (name varchar(255) not null primary key, timestamp varchar(255) not null);
  create table kysely_migration_lock (id varchar(255) not null primary key, is_locked integer not null default 0);
  insert into kysely_migration_lock (id) values ('migration_lock');
  insert into kysely_migration values ${names.map((name) => `('${name}', '2026-10-01T00:00:00.000Z')`).join(', ')};`

/** A database as a server of the first version left it, with one document of two edits. */
export async function makeFirstVersion(url: string, schema = 'public'): Promise<void> {
  await query(
    url,
    `set search_path = ${schema}; ${journal} ${kyselyMigrations('0001-journal')}
     insert into documents (name, epoch, head) values ('plan', '00000000-0000-4000-8000-000000000001', 2);
     insert into updates (document_id, revision, bytes, author) values (1, 1, '\\x01', 'ada'), (1, 2, '\\x02', 'ben');
     insert into snapshots (document_id, revision, bytes) values (1, 1, '\\x03');`,
  )
}

/** What a running server of the first version says for each batch, with its named statement. */
export const firstVersionCommit = {
  name: 'tidemark-journal-commit',
  text: `
    with heads as (
      update documents d set head = d.head + 1, updated_at = now() where d.id = $1 returning d.id, d.head
    ), written as (
      insert into updates (document_id, revision, bytes, author) select id, head, $2, $3 from heads
    )
    select id, head from heads`,
}
