import { describe, expect, test } from 'vitest'
import { journaledEdits } from '../helpers/journal.ts'
import { typing } from '../helpers/load.ts'
import { freshDatabase, query } from '../helpers/postgres.ts'
import { endConnections, holdLock, setReadOnly, waitingStatements } from '../helpers/postgres-faults.ts'
import { Random } from '../helpers/random.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

/** Snapshots are taken all the time, so that each fault hits them too. */
const env = { TIDEMARK_SNAPSHOT_DEBOUNCE_MS: '20', TIDEMARK_SNAPSHOT_MAX_DEBOUNCE_MS: '60' }
const documents = ['plan', 'notes'] as const
const rowOfPlan = "select from tidemark_store.documents where name = 'plan' for update"

/** Three people in two documents, one server, one database of its own. */
class Scene implements AsyncDisposable {
  readonly server: ServerProcess
  readonly databaseUrl: string
  readonly writers: readonly { readonly document: (typeof documents)[number]; readonly writer: Writer }[]
  readonly random = new Random()

  private constructor(server: ServerProcess, databaseUrl: string) {
    this.server = server
    this.databaseUrl = databaseUrl
    this.writers = (['plan', 'plan', 'notes'] as const).map((document) => {
      return { document, writer: new Writer({ url: server.sync, document }) }
    })
  }

  static async open(): Promise<Scene> {
    const databaseUrl = await freshDatabase()
    const scene = new Scene(await ServerProcess.start({ databaseUrl, env }), databaseUrl)
    await Promise.all(scene.writers.map(({ writer }) => writer.synced()))
    return scene
  }

  get all(): Writer[] {
    return this.writers.map(({ writer }) => writer)
  }

  get inNotes(): Writer {
    return this.writers[2]!.writer
  }

  /** [R1.1] Whatever anybody was told is saved up to now is in the journal. */
  async expectSavedIsJournaled(when: string): Promise<void> {
    const saved = this.writers.map(({ document, writer }) => ({ document, edits: writer.acknowledged }))
    for (const { document, edits } of saved) {
      const journaled = await journaledEdits(this.databaseUrl, document)
      const missing = edits.filter((edit) => !journaled.has(edit))
      expect(missing, `${when}, seed ${this.random.seed}: of ${edits.length} in ${document}`).toEqual([])
    }
  }

  /** All is well again: everything is saved, and a new server shows it. */
  async expectAllKept(): Promise<void> {
    // an ack that was lost with its socket does not come again: their persons read "Saved" once the handshake is answered
    const areSaved = () => this.all.every(({ provider }) => provider.synced && !provider.hasUnsyncedChanges)
    await until('everybody reads that all is saved', areSaved, { timeout: 30_000 })
    for (const writer of this.all) expect(writer.ledger.violations).toEqual([])
    await until('the server is ready', async () => (await fetch(`${this.server.http}/readyz`)).status === 200)
    const made = new Map(documents.map((document) => [document, [] as string[]]))
    for (const { document, writer } of this.writers) {
      for (let edit = 0; edit < writer.made; edit++) made.get(document)?.push(`${writer.name}#${edit}`)
    }
    // Stock clients count what they sent before a handshake into the handshake: theirs may read so while it is under way.
    for (const [document, edits] of made) {
      const isJournaled = async () => (await journaledEdits(this.databaseUrl, document)).size >= edits.length
      await until(`the journal of ${document} has everything`, isJournaled, { timeout: 30_000 })
      expect([...(await journaledEdits(this.databaseUrl, document))].sort()).toEqual(edits.sort())
    }
    for (const { writer } of this.writers) writer[Symbol.dispose]()
    await this.server.kill9()
    await this.server.start()
    for (const [document, edits] of made) {
      expect((await readEdits({ url: this.server.sync, document })).sort(), document).toEqual(edits)
    }
  }

  /** Each statement that writes to the plan fails as `plpgsql` says. */
  async refuse(plpgsql: string): Promise<void> {
    await query(
      this.databaseUrl,
      `create function refuse() returns trigger language plpgsql as $$ begin
         if new.name = 'plan' then ${plpgsql}; end if; return new;
       end $$;
       create trigger refuse before update on tidemark_store.documents for each row execute function refuse()`,
    )
  }

  async accept(): Promise<void> {
    await query(this.databaseUrl, 'drop function refuse() cascade')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const writer of this.all) writer[Symbol.dispose]()
    await this.server[Symbol.asyncDispose]()
  }
}

describe('[R1.1] [R3] [R7.1] what is said to be saved is stored, whatever Postgres does meanwhile', () => {
  test('every connection is ended at random moments, and the server is killed in between', async () => {
    await using scene = await Scene.open()
    const typists = typing(scene.all, { pauseMs: 120, random: scene.random })
    let ended = 0
    for (let round = 0; round < 9; round++) {
      await pause(scene.random.int(10, 300))
      if (round === 5) {
        await scene.server.kill9()
        await scene.expectSavedIsJournaled(`killed in round ${round}`)
        await scene.server.start()
      } else {
        ended += await endConnections(scene.databaseUrl)
        await scene.expectSavedIsJournaled(`round ${round}`)
      }
    }
    expect(ended).toBeGreaterThan(8)
    await typists.stop()
    await scene.expectAllKept()
  })

  test('it becomes read-only and writable again, and nobody ends the connections that began meanwhile', async () => {
    await using scene = await Scene.open()
    const typists = typing(scene.all, { pauseMs: 120, random: scene.random })
    for (const isKilled of [false, true]) {
      await pause(scene.random.int(100, 500))
      const told = scene.all.map((writer) => writer.told.length)
      await setReadOnly(scene.databaseUrl, true)
      await endConnections(scene.databaseUrl)
      await until('everybody is told', () =>
        scene.all.every((writer, index) => writer.told.slice(told[index]).includes('storage-unavailable')),
      )
      await scene.expectSavedIsJournaled('read-only')
      if (isKilled) await scene.server.kill9()
      await setReadOnly(scene.databaseUrl, false)
      if (isKilled) await scene.server.start()
      const before = scene.inNotes.ledger.acknowledged.size
      await until('edits are saved again', () => scene.inNotes.ledger.acknowledged.size > before, { timeout: 20_000 })
    }
    await typists.stop()
    await scene.expectAllKept()
  })

  test('somebody holds a lock on all of one table after the other, and the server is killed meanwhile', async () => {
    await using scene = await Scene.open()
    const typists = typing(scene.all, { pauseMs: 120, random: scene.random })
    for (const table of ['documents', 'updates', 'snapshots']) {
      await pause(300)
      await using _lock = await holdLock(scene.databaseUrl, `lock table tidemark_store.${table} in exclusive mode`)
      await pause(scene.random.int(1_500, 2_500))
      await scene.expectSavedIsJournaled(`${table} locked`)
      expect(await waitingStatements(scene.databaseUrl), 'statements that wait for the lock').toBeLessThan(4)
      await scene.server.kill9()
      await scene.expectSavedIsJournaled(`killed with ${table} locked`)
      await scene.server.start()
    }
    await typists.stop()
    await scene.expectAllKept()
  })
})

describe('[R6] what is wrong with one document is not felt in another', () => {
  test('somebody holds the row of one document: edits of the other are saved as ever', async () => {
    await using scene = await Scene.open()
    const [inPlan] = scene.all
    const lock = await holdLock(scene.databaseUrl, rowOfPlan)
    inPlan!.write()
    const end = performance.now() + 4_000
    let longest = 0
    while (performance.now() < end) {
      const begun = performance.now()
      scene.inNotes.write()
      await scene.inNotes.drained(20_000)
      longest = Math.max(longest, performance.now() - begun)
      await pause(50)
    }
    expect(longest, 'ms until an edit of the other document was saved').toBeLessThan(3_000)
    expect(inPlan!.allAcknowledged).toBe(false)
    expect(await waitingStatements(scene.databaseUrl), 'statements that wait for the lock').toBeLessThan(3)
    expect((await fetch(`${scene.server.http}/readyz`)).status).toBe(200)
    await lock[Symbol.asyncDispose]()
    await scene.expectAllKept()
  })

  test('one document cannot be stored at all: edits of the other are saved as ever, and it is too once that is over', async () => {
    await using scene = await Scene.open()
    const [inPlan] = scene.all
    const internalError = "raise exception 'as from a broken page' using errcode = 'XX001'"
    await scene.refuse(internalError)
    inPlan!.write()
    const end = performance.now() + 3_000
    while (performance.now() < end) {
      scene.inNotes.write()
      await scene.inNotes.drained(3_000)
      await pause(50)
    }
    expect(inPlan!.allAcknowledged).toBe(false)
    expect((await fetch(`${scene.server.http}/readyz`)).status).toBe(200)
    await scene.accept()
    await scene.expectAllKept()
  })
})
