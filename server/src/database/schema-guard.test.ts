import { expect, test } from 'vitest'
import { freshDatabase, query } from '../../../test/helpers/postgres.ts'
import { openDatabase } from './database.ts'

const rename = {
  name: 'test-rename',
  text: `update tidemark_store.documents set updated_at = now() where name = $1 returning name`,
}

test('[R7.3] a server under which a newer one changes the schema writes and reads nothing more', async () => {
  const url = await freshDatabase()
  const database = await openDatabase({ databaseUrl: url }, () => {})
  try {
    await query(url, `insert into tidemark_store.documents (name) values ('plan')`)
    for (const runner of [database, database.writer]) expect(await runner.run(rename, ['plan'])).toHaveLength(1)
    await query(url, `insert into tidemark_store.migrations (name) values ('9999-of-a-newer-server')`)
    await new Promise((resolve) => setTimeout(resolve, 1_050))
    const newer = expect.objectContaining({ code: 'schema-too-new' })
    for (const runner of [database, database.writer]) {
      await expect(runner.run(rename, ['plan'])).rejects.toEqual(newer)
      await expect(runner.run(rename, ['plan']), 'not the first one only').rejects.toEqual(newer)
    }
    expect(await database.troubles()).toEqual([expect.stringContaining('newer Tidemark')])
    await query(url, `delete from tidemark_store.migrations where name like '9999%'`)
    for (const runner of [database, database.writer]) expect(await runner.run(rename, ['plan'])).toHaveLength(1)
    expect(await database.troubles()).toEqual([])
  } finally {
    await database.close()
  }
})
