import { TidemarkError } from '@tidemark/shared'
import type { Driver, Lease, Runner } from './database.ts'
import { lockFolder } from './folder-lock.ts'
import { PgliteClient } from './pglite-client.ts'
import { PgliteParameters, parametersTable } from './pglite-parameters.ts'
import { Turns } from './turns.ts'

/**
 * The database inside this process, in a thread of its own. PGlite is one connection: whoever has the turn has the database, and the others wait.
 * (PGlite ships a `node-postgres` adapter; in 0.5.16 an error in a query with parameters breaks its connection.)
 */
export async function openPglite(folder: string): Promise<Driver> {
  const lock = lockFolder(folder)
  const lite = await open(folder).catch((error) => {
    lock.release()
    throw error
  })
  const turns = new Turns()
  let closing: Promise<void> | null = null
  const connect = async ({ urgent }: { urgent: boolean }): Promise<Lease> => {
    if (closing) throw new Error('the database is closed')
    const release = await turns.take({ urgent })
    return {
      release,
      async query<Row>(text: string, values: readonly unknown[]) {
        if (!lock.isHeld()) throw folderLost(folder)
        return lite.query<Row>(text, values)
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
    else await lite.abandon()
    lock.release()
  }
  return {
    kind: 'pglite',
    ...runner(false),
    writer: runner(true),
    questions: runner(false),
    connect: () => connect({ urgent: false }),
    // it lives and dies with this process; what fails in it, the journal's commits tell
    troubles: async () => {
      if (!lock.isHeld()) return [folderLost(folder).message]
      return lite.ended ? [lite.ended.message] : []
    },
    close: () => (closing ??= close()),
  }
}

async function open(folder: string): Promise<PgliteClient> {
  const lite = await PgliteClient.open(`${folder}/pglite`)
  try {
    await lite.query(parametersTable, [])
    return lite
  } catch (error) {
    await lite.abandon()
    throw error
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
