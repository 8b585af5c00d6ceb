import { type Kysely, sql } from 'kysely'

/** What stands under one name in a schema: columns with their types; none for what is no ordinary table. */
export interface Relation {
  readonly name: string
  readonly columns: ReadonlyMap<string, string>
}

/** Everything in a schema that has a name of its own (tables, views, sequences), whoever made it. */
export async function relationsIn(db: Kysely<unknown>, schema: string): Promise<ReadonlyMap<string, Relation>> {
  const { rows } = await sql<{ name: string; kind: string; columns: [string, string][] | null }>`
    select c.relname as name, c.relkind as kind,
      (select json_agg(json_build_array(a.attname, format_type(a.atttypid, null)))
       from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      -- the sequence of an identity column belongs to its table
      and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'i')`.execute(db)
  return new Map(
    rows.map(({ name, kind, columns }) => {
      const isTable = kind === 'r' || kind === 'p'
      return [name, { name, columns: new Map(isTable ? (columns ?? []) : []) }]
    }),
  )
}

/** Whether the relation has these columns; others may have been added to it. */
export function hasColumns(relation: Relation | undefined, columns: Readonly<Record<string, string>>): boolean {
  return (
    relation !== undefined && Object.entries(columns).every(([column, type]) => relation.columns.get(column) === type)
  )
}
