import { TidemarkError } from '@tidemark/shared'
import { sqlState } from './failures.ts'
import { ownSchema } from './tables.ts'

/** Gives what Postgres says to a migration a code and advice; what is no refusal of Postgres's stays as it is. */
export function refusalOf(error: unknown): unknown {
  const words = error instanceof Error ? error.message : String(error)
  switch (sqlState(error)) {
    case '42501':
      return new TidemarkError(
        'schema-unusable',
        `Tidemark's database user lacks a right (${words}). It keeps its tables in the schema ${ownSchema}, which it creates ` +
          `at the first start. Let an administrator run: create schema ${ownSchema} authorization <that user>; ` +
          'or, when the schema is there: grant usage, create on it and all on its tables to that user.',
        { cause: error },
      )
    case '25006':
      return new TidemarkError(
        'storage-unavailable',
        `The database takes no writes (${words}), and its schema must be changed first. Connect to the primary (DATABASE_URL).`,
        { cause: error },
      )
    case '55P03':
      return new TidemarkError(
        'storage-unavailable',
        'The schema must be changed, and another session, such as a backup, has held its tables for 10 s. ' +
          'Nothing was changed. Wait for it, or end it, and start again.',
        { cause: error },
      )
    default:
      return error
  }
}
