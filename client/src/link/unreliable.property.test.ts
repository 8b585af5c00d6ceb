import 'fake-indexeddb/auto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import type { TidemarkDocument } from '../index.ts'
import { type Person, personAt, textOf, write } from '../test-helpers/person.ts'
import { startStockServer } from '../test-helpers/stock-server.ts'
import { until } from '../test-helpers/until.ts'

type Act =
  | { readonly kind: 'write' | 'burst' | 'cut' | 'hold-acks' | 'hold-all' | 'release'; readonly who: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'reopen'; readonly who: number }

const who = fc.nat({ max: 1 })
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('write' as const, 'burst' as const), who }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat({ max: 15 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'hold-acks' as const, 'hold-all' as const), who }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('release' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const), who }) },
)

test('[C4] [R4.1] [R3.2] two people, lines that break and lag, tabs that are closed and opened: all ends identical, drained is exact', async () => {
  await using server = await startStockServer()
  let runs = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 5, maxLength: 25 }),
      fc.constantFrom(0, 5),
      async (acts, sendWindow) => {
        const name = `run-${++runs}`
        const people = [0, 1].map(() => personAt(server.url, { sendWindow }))
        const early: string[] = []
        const open = (person: Person): TidemarkDocument => {
          const document = person.client.open(name)
          let wasPending = false
          document.on('pending', () => {
            wasPending = true
          })
          document.on('drained', () => {
            if (!wasPending) early.push('twice')
            wasPending = false
            const held = server.server.hocuspocus.documents.get(name)
            const known = held ? Y.getState(held.store, document.doc.clientID) : 0
            if (known < Y.getState(document.doc.store, document.doc.clientID)) early.push('early')
          })
          return document
        }
        const documents = people.map(open)
        let written = 0
        for (const step of acts) {
          if (step.kind === 'wait') {
            await new Promise((resolve) => setTimeout(resolve, step.ms))
            continue
          }
          const person = people[step.who]!
          const document = documents[step.who]!
          switch (step.kind) {
            case 'write':
            case 'burst':
              for (let count = step.kind === 'write' ? 1 : 7; count > 0; count--) {
                write(document, String(step.who))
                written++
              }
              break
            case 'cut':
              person.line.cut()
              break
            case 'hold-acks':
              person.line.holds = ({ kind }) => kind === 'sync-status'
              break
            case 'hold-all':
              person.line.holds = () => true
              break
            case 'release':
              person.line.release()
              break
            case 'reopen':
              await document.close()
              documents[step.who] = open(person)
          }
        }
        for (const { line } of people) line.release()
        for (const document of documents) {
          await document.whenLoaded
          await document.flush()
          await until('everything is saved', () => document.status.kind === 'saved')
        }
        const [first, second] = documents as [TidemarkDocument, TidemarkDocument]
        await until('both have everything', () => textOf(first).length === written && textOf(first) === textOf(second))
        expect(early).toEqual([])
        await Promise.all(people.map(({ client }) => client.close()))
      },
    ),
    { numRuns: 40, endOnFailure: true },
  )
}, 60_000)
