import { describe, expect, test } from 'vitest'
import { typing } from '../helpers/load.ts'
import { PostgresCluster } from '../helpers/postgres.ts'
import { Random } from '../helpers/random.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

/** Snapshots are taken all the time here, so that kills hit them too. */
const busySnapshots = { TIDEMARK_SNAPSHOT_DEBOUNCE_MS: '20', TIDEMARK_SNAPSHOT_MAX_DEBOUNCE_MS: '60' }

describe('[B1] [R1.1] [R3] kill -9 at any moment, the authors never return: what was reported saved is there', () => {
  test.each([
    { where: 'Postgres', rounds: 14, env: {} },
    { where: 'Postgres, snapshots all the time', rounds: 6, env: busySnapshots },
  ])('$where, $rounds random moments', async ({ rounds, env }) => {
    // one where a commit takes its time: that is when a kill would show what was acknowledged too early
    await using cluster = await PostgresCluster.create()
    await using server = await ServerProcess.start({ databaseUrl: await cluster.createDatabase('kill9'), env })
    await expectNothingLost(server, rounds)
  })

  test.each([
    { where: 'PGlite', rounds: 4, env: {} },
    { where: 'PGlite, snapshots all the time', rounds: 3, env: busySnapshots },
  ])('$where, $rounds random moments', async ({ rounds, env }) => {
    await using server = await ServerProcess.start({ env })
    await expectNothingLost(server, rounds)
  })
})

async function expectNothingLost(server: ServerProcess, rounds: number): Promise<void> {
  const random = new Random()
  const savedInOldDocument = new Set<string>()
  for (let round = 0; round < rounds; round += 1) {
    const moment = random.int(30, 700)
    const saved = await writeUntilKilled(server, round, moment, random)
    for (const edit of saved.get('old') ?? []) savedInOldDocument.add(edit)
    saved.set('old', [...savedInOldDocument])
    await server.start()
    for (const [document, edits] of saved) {
      const present = new Set(await readEdits({ url: server.sync, document }))
      const missing = edits.filter((edit) => !present.has(edit))
      const where = `seed ${random.seed}, round ${round}, killed after ${moment} ms, ${document}`
      expect(missing.slice(0, 3), `${missing.length} of ${edits.length} are missing: ${where}`).toEqual([])
    }
    const all = [...saved.values()].flat()
    expect(all.length, 'a round in which nothing was saved proves nothing').toBeGreaterThan(0)
  }
}

/** @returns what the server reported saved, by document; the authors are gone for good */
async function writeUntilKilled(
  server: ServerProcess,
  round: number,
  moment: number,
  random: Random,
): Promise<Map<string, string[]>> {
  using team = new Team(server.sync, ['old', `alone-${round}`, `shared-${round}`, `shared-${round}`])
  await Promise.all(team.writers.map(({ writer }) => writer.synced()))
  const typists = typing(
    team.writers.map(({ writer }) => writer),
    { random },
  )
  await until('the first edit is saved', () => team.writers.some(({ writer }) => writer.ledger.acknowledged.size > 0))
  await pause(moment)
  await server.kill9()
  // what the dead server had handed to the network still arrives
  await until('all sockets are closed', () => team.writers.every(({ writer }) => writer.closes.length > 0))
  await typists.stop()
  const saved = new Map<string, string[]>()
  for (const { document, writer } of team.writers) {
    expect(writer.ledger.violations).toEqual([])
    saved.set(document, [...(saved.get(document) ?? []), ...writer.acknowledged])
  }
  return saved
}

class Team implements Disposable {
  readonly writers: { document: string; writer: Writer }[]

  constructor(url: string, documents: string[]) {
    this.writers = documents.map((document) => ({ document, writer: new Writer({ url, document }) }))
  }

  [Symbol.dispose](): void {
    for (const { writer } of this.writers) writer[Symbol.dispose]()
  }
}
