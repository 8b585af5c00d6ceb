/**
 * The peer to compare with: stock Hocuspocus with `@hocuspocus/extension-database`, set up the way its guide does it:
 * the whole document in one row, fetched at load, stored by the default debounce (2 s, at most 10 s).
 */
import { Database } from '@hocuspocus/extension-database'
import { Server } from '@hocuspocus/server'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
await pool.query('create table if not exists documents (name text primary key, data bytea not null)')

const debounce = process.env.BENCH_DEBOUNCE ? { debounce: Number(process.env.BENCH_DEBOUNCE) } : {}
const maxDebounce = process.env.BENCH_MAX_DEBOUNCE ? { maxDebounce: Number(process.env.BENCH_MAX_DEBOUNCE) } : {}

const server = new Server({
  address: '127.0.0.1',
  port: 0,
  quiet: true,
  ...debounce,
  ...maxDebounce,
  // A 1.3 MB document is one message when it is first sent.
  websocketOptions: { maxPayload: 64 * 1024 * 1024 },
  extensions: [
    new Database({
      fetch: async ({ documentName }) => {
        const { rows } = await pool.query<{ data: Buffer }>('select data from documents where name = $1', [
          documentName,
        ])
        return rows[0]?.data ?? null
      },
      store: async ({ documentName, state }) => {
        await pool.query(
          'insert into documents (name, data) values ($1, $2) on conflict (name) do update set data = excluded.data',
          [documentName, state],
        )
      },
    }),
  ],
})
await server.listen()
process.stdout.write(`ready ${server.httpURL}\n`)
