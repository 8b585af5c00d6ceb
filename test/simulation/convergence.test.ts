import 'fake-indexeddb/auto'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../helpers/postgres.ts'
import { Random } from '../helpers/random.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { Replica } from '../helpers/replica.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until } from '../helpers/until.ts'
import { Writer } from '../helpers/writer.ts'

/** What can happen next, to one of the people or to the server. */
type Happening =
  | { kind: 'edit'; who: number; count: number }
  | { kind: 'cut' | 'blackhole' | 'clear' | 'reload' | 'duplicate' | 'cut-when-drained'; who: number }
  | { kind: 'delay'; who: number; ms: number }
  | { kind: 'pause'; ms: number }
  | { kind: 'kill' }

const people = 3
const who = fc.nat({ max: people - 1 })
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('edit' as const), who, count: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constantFrom('cut', 'blackhole', 'clear', 'clear', 'reload', 'duplicate', 'cut-when-drained'),
      who,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delay' as const), who, ms: fc.constantFrom(0, 30, 90) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pause' as const), ms: fc.integer({ min: 1, max: 120 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'kill' as const }) },
)

let server: ServerProcess
beforeAll(async () => {
  server = await ServerProcess.start({
    databaseUrl: await freshDatabase(),
    env: {
      // everybody's network has a port of its own
      TIDEMARK_ALLOWED_HOSTS: '127.0.0.1',
      TIDEMARK_SNAPSHOT_DEBOUNCE_MS: '30',
      TIDEMARK_SNAPSHOT_MAX_DEBOUNCE_MS: '90',
    },
  })
})
afterAll(async () => server?.[Symbol.asyncDispose]())

let runs = 0

test('[C4] [R3] [R4.1] any interleaving of edits, drops, duplicates, reloads and kills ends the same for all; drained is exact', async () => {
  const history = fc.array(happening, { minLength: 5, maxLength: 30, size: 'max' })
  await fc.assert(
    fc.asyncProperty(history, fc.nat(), async (happenings, seed) => {
      runs += 1
      await live(`run-${runs}`, happenings, new Random(seed))
    }),
    { numRuns: 15, endOnFailure: true },
  )
}, 150_000)

async function live(documentName: string, happenings: readonly Happening[], random: Random): Promise<void> {
  const everybody: Replica[] = []
  try {
    for (let number = 0; number < people; number += 1) {
      everybody.push(await Replica.start(`person-${number}`, documentName, server.port))
    }
    for (const next of happenings) await happen(next, everybody, documentName, random)
    for (const { network } of everybody) {
      network.delay(0)
      network.become('clear')
    }
    await Promise.all(everybody.map((replica) => replica.settled()))
    await until('all have the same', () => {
      const contents = new Set(everybody.map(({ content }) => content))
      if (contents.size > 1) throw new Error([...contents].join('\n'))
      return true
    })
    for (const replica of everybody) {
      expect(replica.broken, replica.name).toEqual([])
      expect(replica.saysEmpty, `${replica.name}: the last word was drained`).toBe(true)
    }
    using newcomer = await new Writer({ url: server.sync, document: documentName }).synced()
    expect(newcomer.doc.getText('text').toString()).toBe(everybody[0]?.text.toString())
  } finally {
    for (const replica of everybody) await replica[Symbol.asyncDispose]()
  }
}

async function happen(next: Happening, everybody: Replica[], documentName: string, random: Random): Promise<void> {
  switch (next.kind) {
    case 'pause':
      return pause(next.ms)
    case 'kill':
      return killAndCheck(everybody, documentName, random)
  }
  const replica = everybody[next.who]
  if (!replica) throw new Error('nobody there')
  switch (next.kind) {
    case 'edit':
      for (let count = 0; count < next.count; count += 1) replica.edit(random)
      return
    case 'cut':
    case 'blackhole':
    case 'clear':
      return replica.network.become(next.kind)
    case 'delay':
      return replica.network.delay(next.ms)
    case 'reload':
      return replica.reload()
    case 'cut-when-drained':
      return cutWhenDrained(replica, documentName, random)
    case 'duplicate': {
      using other = await RawClient.open(server.sync, documentName)
      other.update(documentName, replica.everything)
      other.update(documentName, replica.everything)
      await until('both are answered', () => other.said.filter(({ kind }) => kind === 'status').length === 2)
    }
  }
}

/** Somebody writes on and on; in the moment in which they are told that all is saved their line is cut. */
async function cutWhenDrained(replica: Replica, documentName: string, random: Random): Promise<void> {
  replica.network.become('clear')
  replica.cutWhenDrained = true
  const end = performance.now() + 3000
  while (replica.cutWhenDrained && performance.now() < end) {
    replica.edit(random)
    await pause(random.int(0, 40))
  }
  using reader = await new Writer({ url: server.sync, document: documentName }).synced()
  replica.check(reader.doc)
  replica.cutWhenDrained = false
  replica.network.become('clear')
}

/** Killed while everybody writes; what anybody was told is saved must be there before they come back. */
async function killAndCheck(everybody: Replica[], documentName: string, random: Random): Promise<void> {
  for (const replica of everybody) replica.edit(random)
  await pause(random.int(20, 30))
  server.signal('SIGKILL')
  await server.exited
  for (const { network } of everybody) network.become('cut')
  await server.start()
  using reader = await new Writer({ url: server.sync, document: documentName }).synced()
  for (const replica of everybody) replica.check(reader.doc)
  for (const { network } of everybody) network.become('clear')
}
