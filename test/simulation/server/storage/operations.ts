import type { Database } from '../../../../server/src/database/database.ts'
import { findEpoch, findOrCreate, quarantine, saveSnapshot } from '../../../../server/src/documents/store.ts'
import { readTail, readUpdate } from '../../../../server/src/documents/stored-rows.ts'
import { commit, portionOf } from '../../../../server/src/journal/commit.ts'
import { JournalLine } from '../../../../server/src/journal/line.ts'
import type { Random } from '../../../helpers/random.ts'

/** What the server asks of a database, in the words of its own modules. */
export type Operation =
  | { readonly does: 'open' | 'ask epoch'; readonly name: string }
  | { readonly does: 'read tail'; readonly name: string; readonly after: number }
  | { readonly does: 'save snapshot'; readonly name: string; readonly revision: number; readonly isOfOldEpoch: boolean }
  | {
      readonly does: 'quarantine'
      readonly name: string
      readonly revision: number
      readonly source: 'update' | 'snapshot'
    }
  | {
      readonly does: 'commit'
      readonly portions: readonly { readonly name: string; readonly updates: number; readonly isOfOldEpoch: boolean }[]
    }

const names = ['one', 'two', 'three', '"four", {5} \\ \u{1f30a}']
const oldEpoch = '99999999-0000-4000-8000-000000000000'

export function operations(random: Random, count: number): Operation[] {
  return Array.from({ length: count }, () => operation(random))
}

function operation(random: Random): Operation {
  const name = random.pick(names)
  const revision = random.int(1, 40)
  const isOfOldEpoch = random.int(1, 10) === 1
  switch (random.pick(['open', 'ask epoch', 'read', 'commit', 'commit', 'commit', 'save', 'save', 'quarantine'])) {
    case 'open':
      return { does: 'open', name }
    case 'ask epoch':
      return { does: 'ask epoch', name: random.pick([...names, 'nobody opened this']) }
    case 'read':
      return { does: 'read tail', name, after: revision - 1 }
    case 'save':
      return { does: 'save snapshot', name, revision, isOfOldEpoch }
    case 'quarantine':
      return { does: 'quarantine', name, revision, source: random.pick(['update', 'snapshot'] as const) }
    default: {
      const chosen = names.filter(() => random.int(0, 1) === 1)
      return { does: 'commit', portions: chosen.map((name) => ({ name, updates: random.int(1, 3), isOfOldEpoch })) }
    }
  }
}

/** What a database answers, in words that do not depend on the ids and uuids that it chose. */
export async function answersTo(database: Database, asked: readonly Operation[]): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const [index, operation] of asked.entries()) answers.push(await answer(database, operation, index))
  return answers
}

async function answer(database: Database, operation: Operation, index: number): Promise<unknown> {
  switch (operation.does) {
    case 'open': {
      const { head, snapshot, quarantined } = await findOrCreate(database, operation.name)
      return {
        head,
        snapshot: snapshot && { ...snapshot, bytes: [...(snapshot.bytes ?? [])] },
        quarantined: quarantined.sort(),
      }
    }
    case 'ask epoch': {
      const epoch = await findEpoch(database, operation.name)
      return epoch === null ? 'none' : epoch === (await findOrCreate(database, operation.name)).epoch
    }
    case 'read tail': {
      const { id } = await findOrCreate(database, operation.name)
      const rows = await readTail(database, id, operation.after)
      const one = await readUpdate(database, id, operation.after)
      return [one, ...rows].map((row) => row && { ...row, bytes: [...row.bytes] })
    }
    case 'save snapshot': {
      const { id, epoch } = await findOrCreate(database, operation.name)
      const document = { id, epoch: operation.isOfOldEpoch ? oldEpoch : epoch }
      const place = { revision: operation.revision, stamp: null }
      const bytes = Uint8Array.of(index % 256, operation.revision)
      return await saveSnapshot(database, document, place, bytes, index % 3 === 0 ? [] : [1, index])
    }
    case 'quarantine': {
      const { name, revision, source } = operation
      const { id } = await findOrCreate(database, name)
      await quarantine(database, {
        documentId: id,
        revision,
        source,
        bytes: Uint8Array.of(9),
        reason: 'does not decode',
      })
      return 'put aside'
    }
    case 'commit':
      return await commitAll(database, operation.portions, index)
  }
}

async function commitAll(
  database: Database,
  portions: Extract<Operation, { does: 'commit' }>['portions'],
  index: number,
): Promise<unknown> {
  const lines: JournalLine[] = []
  for (const { name, isOfOldEpoch } of portions) {
    const { id, epoch, head } = await findOrCreate(database, name)
    lines.push(new JournalLine({ id, name, epoch: isOfOldEpoch ? oldEpoch : epoch, revision: head }))
  }
  const heads = await commit(
    database,
    portions.map(({ updates }, place) => {
      const line = lines[place]!
      const entries = Array.from({ length: updates }, (_, number) => ({
        line,
        update: Uint8Array.of(index % 256, number, 0, 255),
        author: number === 0 ? null : `author {${number}}, "quoted" \\`,
      }))
      return portionOf(line, entries)
    }),
  )
  return lines.map(({ documentId, documentName }) => [documentName, heads.get(documentId)?.revision ?? null])
}
