/** The load process: people with real providers, in a process that is not the server's. */
import { performance } from 'node:perf_hooks'
import * as Y from 'yjs'
import { summarise } from '../statistics.ts'
import { Person } from './crowd.ts'
import type { JobName, JobReply, JobRequest, Jobs } from './jobs.ts'
import { pace } from './pace.ts'
import { Pair } from './pair.ts'
import { openReplica } from './replica.ts'
import { textName, writtenDocument } from './text.ts'

const pairs = new Map<string, Pair>()
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Many at once, but not all: a thousand handshakes in one turn measure the handshake, not what comes after. */
async function inGroups<Item>(items: readonly Item[], size: number, act: (item: Item) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += size) await Promise.all(items.slice(from, from + size).map(act))
}

async function until(condition: () => boolean, timeout: number): Promise<boolean> {
  const deadline = performance.now() + timeout
  while (!condition()) {
    if (performance.now() > deadline) return false
    await sleep(5)
  }
  return true
}

async function connect(order: Jobs['connect']['order']): Promise<Jobs['connect']['result']> {
  const seed = order.seedBytes > 0 ? writtenDocument(order.seedBytes) : []
  await inGroups(order.names, order.seedBytes > 100_000 ? 1 : 25, async (name) => {
    const pair = new Pair(order.protocol, order.url, name, order.readers)
    pairs.set(name, pair)
    await pair.connect()
    let answered = 0
    pair.writer.onAck(() => answered++)
    for (const update of seed) Y.applyUpdate(pair.writer.doc, update, 'seed')
    const expected = Y.encodeStateVector(pair.writer.doc)
    const arrived = () =>
      (order.protocol === 'y-websocket' || answered >= seed.length) &&
      (!pair.reader || Buffer.from(Y.encodeStateVector(pair.reader.doc)).equals(Buffer.from(expected)))
    if (!(await until(arrived, 30_000))) throw new Error(`the seed of ${name} did not arrive (${answered} acks)`)
    pair.watch()
  })
  return { providers: pairs.size * (order.readers ? 2 : 1) }
}

async function write(order: Jobs['write']['order']): Promise<Jobs['write']['result']> {
  const all = [...pairs.values()]
  for (const pair of all) pair.reset()
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  const { acts, lateness } = await pace(order, (index) => all[documentOf(index, order.seed, all.length)]!.edit())
  const ms = performance.now() - start
  const cpu = process.cpuUsage(cpuBefore)
  const unseen = () => all.reduce((sum, pair) => sum + (pair.reader ? pair.made - pair.seen : 0), 0)
  const unacked = () => all.reduce((sum, pair) => sum + pair.made - pair.acked, 0)
  const acks = all.some((pair) => pair.acked > 0)
  await until(() => unseen() === 0 && (!acks || unacked() === 0), 5000)
  return {
    edits: acts,
    unseen: unseen(),
    unacked: unacked(),
    peer: summarise(all.flatMap((pair) => pair.peer)),
    ack: summarise(all.flatMap((pair) => pair.ack)),
    lateness: summarise(lateness),
    loadCpu: (cpu.user + cpu.system) / 1000 / ms,
    ms,
  }
}

/** A cheap hash: the same documents in the same order for each system, with no pattern that would suit one. */
function documentOf(index: number, seed: number, documents: number): number {
  return (Math.imul(index + seed * 7919, 0x9e3779b1) >>> 8) % documents
}

async function writeUntilGone(order: Jobs['write-until-gone']['order']): Promise<Jobs['write-until-gone']['result']> {
  const entries = [...pairs]
  const gone = () => entries.every(([, pair]) => pair.writer.lost)
  await pace(order, (index) => entries[documentOf(index, order.seed, entries.length)]![1].edit(), gone)
  const documents = entries.map(([name, pair]) => ({
    name,
    author: pair.author,
    made: pair.made,
    acked: pair.acked,
  }))
  // The author never comes back: nobody can send the edits a second time.
  for (const pair of pairs.values()) pair.close()
  pairs.clear()
  return { documents }
}

async function open(order: Jobs['open']['order']): Promise<Jobs['open']['result']> {
  const start = performance.now()
  const replica = openReplica(order.protocol, order.url, order.name)
  await replica.whenSynced
  const ms = performance.now() - start
  const clocks = order.authors.map((author) => Y.getState(replica.doc.store, author))
  const { length } = replica.doc.getText(textName)
  replica.close()
  return { ms, clocks, length }
}

async function hold(order: Jobs['hold']['order']): Promise<Jobs['hold']['result']> {
  const names = order.names.flatMap((name) => Array.from({ length: order.perDocument }, () => name))
  await inGroups(names, 25, (name) => openReplica(order.protocol, order.url, name).whenSynced)
  return { providers: names.length }
}

const crowd: Person[] = []
/** For each watcher, the newest move of each person that they have seen. */
const newest: Map<number, number>[] = []
let delays: number[] = []

async function gather(order: Jobs['gather']['order']): Promise<Jobs['gather']['result']> {
  const clients = Array.from({ length: order.people }, (_, index) => index + 1)
  await inGroups(clients, 50, async (client) => {
    const person = new Person(order.protocol, order.url, order.name, client)
    await person.join()
    crowd.push(person)
  })
  for (const watcher of crowd.slice(0, order.watchers)) {
    const latest = new Map<number, number>()
    newest.push(latest)
    watcher.watch((client, _clock, moment) => {
      if (moment <= (latest.get(client) ?? 0) || client === watcher.client) return
      latest.set(client, moment)
      delays.push(performance.now() - moment)
    })
  }
  return { people: crowd.length }
}

async function move(order: Jobs['move']['order']): Promise<Jobs['move']['result']> {
  delays = []
  const lastMoves = new Map<number, number>()
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  const { acts } = await pace(order, (index, due) => {
    const person = crowd[documentOf(index, order.seed, crowd.length)]!
    person.move(due)
    lastMoves.set(person.client, due)
  })
  const cpu = process.cpuUsage(cpuBefore)
  const ms = performance.now() - start
  const unseen = () => {
    let count = 0
    for (const [index, latest] of newest.entries()) {
      for (const [client, moment] of lastMoves) {
        if (client !== crowd[index]!.client && (latest.get(client) ?? 0) < moment) count++
      }
    }
    return count
  }
  await until(() => unseen() === 0, 3000)
  const loadCpu = (cpu.user + cpu.system) / 1000 / ms
  return { moves: acts, seen: summarise(delays), unseen: unseen(), loadCpu }
}

function run(request: JobRequest): Promise<Jobs[JobName]['result']> {
  switch (request.job) {
    case 'connect':
      return connect(request.order)
    case 'write':
      return write(request.order)
    case 'write-until-gone':
      return writeUntilGone(request.order)
    case 'open':
      return open(request.order)
    case 'hold':
      return hold(request.order)
    case 'gather':
      return gather(request.order)
    case 'move':
      return move(request.order)
  }
}

// y-websocket listens for the process's end once for each provider.
process.setMaxListeners(0)
process.on('message', (request: JobRequest) => {
  run(request).then(
    (result) => process.send?.({ ok: true, result } satisfies JobReply),
    (error: unknown) => process.send?.({ ok: false, message: String(error) } satisfies JobReply),
  )
})
process.once('disconnect', () => process.exit(0))
