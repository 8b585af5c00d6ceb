import { LoadProcess } from '../load/load-process.ts'
import { seededRandom } from '../statistics.ts'
import type { System } from '../systems/system.ts'
import { alternate, type BenchContext, documentNames, type Figure, Rows, sleep, withLoad } from './figure.ts'

const documents = 20
const perSecond = 200

/** Acknowledged edits that are gone after kill -9, their authors never returning. */
export const kill9Figure: Figure = {
  name: 'kill-9',
  async run(context) {
    const rows = new Rows()
    rows.define('acknowledged before the kill (median)', 'edits')
    rows.define('acknowledged and lost, all kills together', 'edits', { kind: 'at-most', limit: 0 })
    rows.define('made and lost, all kills together', 'edits')
    const kills = context.quick ? 1 : 4
    const longest = longestLife(context)
    const lost = new Map(context.systems.map((system) => [system, { acked: 0, made: 0 }]))
    for (let kill = 0; kill < kills; kill++) {
      for (const system of alternate(context.systems, kill)) {
        const result = await killOnce(context, system, kill)
        const sum = lost.get(system)!
        sum.acked += result.lostAcked
        sum.made += result.lostMade
        rows.add('acknowledged before the kill (median)', system.name, result.acked)
        context.log(
          `${system.name} kill #${kill + 1} after ${result.afterMs} ms: ` +
            `${result.made} made, ${result.acked} acked, ${result.lostAcked} of these lost`,
        )
      }
    }
    for (const [{ name, stores }, sum] of lost) {
      // What never acknowledges cannot lose an acknowledged edit; a 0 there would be a lie of omission.
      if (stores) rows.add('acknowledged and lost, all kills together', name, sum.acked)
      rows.add('made and lost, all kills together', name, sum.made)
    }
    return {
      title: 'Acknowledged edits lost by kill -9',
      ran:
        `${documents} unmodified providers write ${perSecond} edits/s; the server is killed with -9 at a random ` +
        `moment (1 to ${longest} s), started again on the same database, and each document is read by a fresh provider; the ` +
        `writers never come back. ${kills} kills. An edit is acknowledged when the provider’s unsyncedChanges went ` +
        'down for it (SyncStatus frames, in order).',
      rows: rows.all(),
      notes: ['@y/websocket-server has neither acks nor storage: everything that was made is gone.'],
    }
  },
}

// Longer than stock's longest debounce, so that its stores get their chance.
const longestLife = ({ quick }: BenchContext) => (quick ? 4 : 13)

async function killOnce(context: BenchContext, system: System, kill: number) {
  const database = await context.postgres.createDatabase()
  const afterMs = Math.round(1000 + seededRandom(kill + 11)() * (longestLife(context) - 1) * 1000)
  const first = await system.start({ database })
  const documentsWritten = await withLoad(new LoadProcess(), async (load) => {
    const names = documentNames('kill', documents)
    await load.do('connect', { protocol: system.protocol, url: first.url, names, readers: false, seedBytes: 0 })
    const writing = load.do('write-until-gone', { perSecond, seconds: longestLife(context) + 10, seed: kill + 1 })
    await sleep(afterMs)
    await first.process.kill()
    return (await writing).documents
  }).finally(() => first.process.kill())

  const second = await system.start({ database })
  try {
    return await withLoad(new LoadProcess(), async (load) => {
      const sum = { afterMs, made: 0, acked: 0, lostAcked: 0, lostMade: 0 }
      for (const { name, author, made, acked } of documentsWritten) {
        const order = { protocol: system.protocol, url: second.url, name, authors: [author] }
        const { clocks } = await load.do('open', order)
        const kept = clocks[0]!
        sum.made += made
        sum.acked += acked
        sum.lostAcked += Math.max(0, acked - kept)
        sum.lostMade += Math.max(0, made - kept)
      }
      return sum
    })
  } finally {
    await second.process.kill()
  }
}
