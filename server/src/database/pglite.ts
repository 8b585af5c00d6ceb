import { setImmediate } from 'node:timers/promises'
import { PGlite, types } from '@electric-sql/pglite'
import { TidemarkError } from '@tidemark/shared'
import type { Driver, Lease, Runner } from './database.ts'
import { lockFolder } from './folder-lock.ts'
import { PgliteParameters, parametersTable } from './pglite-parameters.ts'
import { Turns } from './turns.ts'

// PGlite turns bytes into text and back one by one, in this thread, at 150 ms for a MiB. Node reads them in 5, and as
// parameters they may go as they are.
const parsers = { [types.BYTEA]: (text: string) => Buffer.from(text.slice(2), 'hex') }
const serializers = {
  [types.BYTEA](bytes: unknown) {
    if (!(bytes instanceof Uint8Array)) throw new TypeError('a bytea is a Uint8Array')
    return bytes as unknown as string
  },
}

/**
 * The database inside this process. PGlite is one connection: whoever has the turn has the database, and the others wait.
 * (PGlite ships a `node-postgres` adapter; in 0.5.16 an error in a query with parameters breaks its connection.)
 */
export async function openPglite(folder: string): Promise<Driver> {
  const lock = lockFolder(folder)
  let lite: PGlite
  try {
    lite = await PGlite.create(`${folder}/pglite`, { parsers, serializers })
    await lite.exec(parametersTable)
  } catch (error) {
    lock.release()
    throw error
  }
  const turns = new Turns()
  let closing: Promise<void> | null = null
  const connect = async ({ urgent }: { urgent: boolean }): Promise<Lease> => {
    if (closing) throw new Error('the database is closed')
    const release = await turns.take({ urgent })
    return {
      release,
      async query<Row>(text: string, values: readonly unknown[]) {
        if (!lock.isHeld()) throw folderLost(folder)
        const { rows, affectedRows } = await lite.query<Row>(text, [...values])
        // it computes in this thread and answers in microtasks: a hundred statements in a row would be one long block
        await setImmediate()
        return { rows, rowCount: affectedRows ?? rows.length }
      },
    }
  }
  const runner = (urgent: boolean): Runner => {
    const runInTurn = async <Row>(text: string, values: readonly unknown[]) => {
      const lease = await connect({ urgent })
      try {
        return (await lease.query<Row>(text, values)).rows
      } finally {
        lease.release()
      }
    }
    const parameters = new PgliteParameters(runInTurn)
    return {
      run: <Row>({ text }: { text: string }, values: readonly unknown[]) =>
        parameters.with(text, values, (put, all) => runInTurn<Row>(put, all)),
    }
  }
  const close = async () => {
    await turns.take({ urgent: false })
    // closing writes, and what is under this path now may be somebody else's
    if (lock.isHeld()) await lite.close()
    lock.release()
  }
  return {
    kind: 'pglite',
    ...runner(false),
    writer: runner(true),
    questions: runner(false),
    connect: () => connect({ urgent: false }),
    // it lives and dies with this process; what fails in it, the journal's commits tell
    troubles: async () => (lock.isHeld() ? [] : [folderLost(folder).message]),
    close: () => (closing ??= close()),
  }
}

/** Whoever deletes the folder, or the lock in it, lets others in: nothing more is written then, and nothing acknowledged. */
function folderLost(folder: string): TidemarkError {
  return new TidemarkError(
    'storage-unavailable',
    `The data folder ${folder}, or the lock in it, was taken away or replaced while the server ran. ` +
      'Nothing more is stored: put the folder back and start again.',
  )
}
