import 'fake-indexeddb/auto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { HandClock } from '../test-helpers/hand-clock.ts'
import { compact } from './compaction.ts'
import { pendingIn } from './dirty-mark.ts'
import { deleteDatabase, openDatabase } from './idb.ts'
import { IndexeddbStore } from './indexeddb-store.ts'

interface Tab {
  readonly doc: Y.Doc
  readonly store: IndexeddbStore
  readonly written: Promise<void>[]
  /** What was pending when it was opened. */
  readonly inherited: number
  position: number
}

let names = 0

/** A tab stores what was written in it, and nothing of what it hears from the others (D1.3). */
async function openTab(name: string): Promise<Tab> {
  const doc = new Y.Doc()
  const means = { namespace: '', clock: new HandClock(), openTimeLimit: 60_000 }
  const subject = { document: name, doc, opening: `tab-${++names}` }
  const store = new IndexeddbStore(subject, means, { failed() {}, recovered() {}, lost() {} })
  const { marks } = await store.load()
  const tab: Tab = { doc, store, written: [], inherited: pendingIn(marks.values()), position: 0 }
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === 'typed') tab.written.push(tab.store.append(update, ++tab.position))
  })
  return tab
}

type Act =
  | { readonly kind: 'type'; readonly tab: number; readonly at: number; readonly text: string }
  | { readonly kind: 'erase'; readonly tab: number; readonly at: number }
  | { readonly kind: 'tell'; readonly tab: number; readonly other: number }
  | { readonly kind: 'compact'; readonly tab: number }
  | { readonly kind: 'wait'; readonly tab: number }
  | { readonly kind: 'reload'; readonly tab: number }

const tab = fc.nat(2)
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('type'), tab, at: fc.nat(99), text: fc.string({ minLength: 1 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('erase'), tab, at: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tell'), tab, other: tab }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact'), tab }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait'), tab }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reload'), tab }) },
) as fc.Arbitrary<Act>

test('[D2.1] [R3.1] whatever three tabs write, tell each other and compact: what was stored is there, and all of it is marked', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
      const name = `property-${++names}`
      const tabs = await Promise.all([openTab(name), openTab(name), openTab(name)])
      const closed: Tab[] = []
      const compactions: Promise<unknown>[] = []
      const { database } = await openDatabase(name)
      for (const { kind, ...how } of acts) {
        const { doc, written } = tabs[how.tab]!
        const text = doc.getText('t')
        const at = 'at' in how ? how.at % (text.length + 1) : 0
        if (kind === 'type') doc.transact(() => text.insert(at, (how as { text: string }).text), 'typed')
        if (kind === 'erase') doc.transact(() => text.delete(at, Math.min(3, text.length - at)), 'typed')
        if (kind === 'tell') {
          const { doc: other } = tabs[(how as { other: number }).other]!
          Y.applyUpdate(other, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other)), 'told')
        }
        if (kind === 'wait') await Promise.all(written)
        if (kind === 'compact') {
          const means = {
            database,
            doc,
            origin: 'compaction',
            firstUnknown: 0,
            seals: null,
            haveAllTheKey: async () => true,
            account: null,
          }
          const no = () => false
          const pending = () => new Map()
          compactions.push(
            compact({ ...means, pending, hasUncounted: no, isOwn: no, isClosing: no, isWanted: () => true }),
          )
        }
        if (kind === 'reload') {
          closed.push(tabs[how.tab]!)
          await tabs[how.tab]!.store.close()
          tabs[how.tab] = await openTab(name)
        }
      }
      await Promise.all(compactions)
      for (const { store } of tabs) await store.close()
      database.close()
      const expected = new Y.Doc()
      for (const { doc } of [...tabs, ...closed]) Y.applyUpdate(expected, Y.encodeStateAsUpdate(doc))
      const again = await openTab(name)
      expect(again.doc.getText('t').toString()).toBe(expected.getText('t').toString())
      expect(again.doc.store.pendingStructs).toBeNull()
      const made = [...tabs, ...closed].reduce((sum, { position }) => sum + position, 0)
      expect(again.inherited).toBe(made)
      await again.store.close()
      await deleteDatabase(name)
    }),
    { numRuns: 60 },
  )
})
