import { sql, type Transaction } from 'kysely'

/** CRC-32 of each row's bytes: damage that still decodes is found. Rows that were stored before have none. */
export async function checksums(db: Transaction<unknown>): Promise<void> {
  await sql`alter table tidemark_store.updates add column crc bigint`.execute(db)
  await sql`alter table tidemark_store.snapshots add column crc bigint`.execute(db)
}
