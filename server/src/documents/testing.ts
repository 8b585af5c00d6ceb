import { systemClock, TidemarkError } from '@tidemark/shared'
import type { Database } from '../database/database.ts'
import { Journal } from '../journal/journal.ts'
import { Documents } from './documents.ts'
import { TidemarkHocuspocus } from './hocuspocus.ts'
import { Memory } from './memory.ts'
import { Refusal } from './refusal.ts'

/** The documents of a server without its sockets; what opens one is a direct connection. */
export function makeDocuments(database: Database, options: { debounce?: number } = {}) {
  const failures: { documentName: string; cause: unknown }[] = []
  const quarantined: string[] = []
  const note = (cause: unknown) => failures.push({ documentName: '', cause })
  const journal = new Journal(database, { windowMs: 0, queuedBytes: 2 ** 26 }, systemClock, note)
  const documents = new Documents(database, journal, { typeDepth: 500 }, new Memory(), note)
  const hocuspocus = new TidemarkHocuspocus(
    {
      quiet: true,
      debounce: options.debounce ?? 10,
      maxDebounce: 2 * (options.debounce ?? 10),
      extensions: [documents.extension],
    },
    {
      loaded: () => {},
      come: (name, mayWrite) => documents.come(name, mayWrite),
      quarantined: (_, { summary }) => quarantined.push(summary),
      refuse: (documentName, cause) => {
        failures.push({ documentName, cause })
        return new Refusal(cause instanceof TidemarkError ? cause : new TidemarkError('internal', undefined, { cause }))
      },
    },
  )
  documents.events.on('snapshotFailed', ({ cause }) => note(cause))
  documents.events.on('settled', ({ document }) => void hocuspocus.unloadDocument(document))
  return { documents, hocuspocus, journal, failures, quarantined }
}

/** A database whose statements of the given names fail as `failure` says; the others do as ever. */
export function failing(database: Database, failure: (statement: string) => Error | null): Database {
  return {
    ...database,
    run: async (statement, values) => {
      const error = failure(statement.name)
      if (error) throw error
      return database.run(statement, values)
    },
  }
}
