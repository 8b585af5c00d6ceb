import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Timeline } from '../../client/src/testing/timeline.ts'
import { type Database, openDatabase } from '../../server/src/database/database.ts'
import { newDataFolder } from '../helpers/data-folder.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { Random } from '../helpers/random.ts'
import { answersTo, operations } from './server/storage/operations.ts'
import { Storage } from './server/storage/storage.ts'

/** What the simulated database answers is worth as much as it is like the real ones. */
describe.each(['PGlite', 'Postgres'] as const)('the simulated database and %s', (kind) => {
  let folder: string
  let database: Database

  beforeAll(async () => {
    folder = await newDataFolder()
    const place = kind === 'PGlite' ? { dataFolder: folder } : { databaseUrl: await freshDatabase() }
    database = await openDatabase(place, () => {})
  }, 120_000)

  afterAll(async () => {
    await database.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('[R6.1] [R6.11] [R7.1] [R7.2] [R9.1] answer the same to whatever the journal and the loader ask', async () => {
    const random = new Random()
    const asked = operations(random, 400)
    const nobody = { ran: () => {}, tried: () => {}, unknown: () => {} }
    const simulated = new Storage(new Timeline(), new Random(1), nobody).direct
    const expected = await answersTo(database, asked)
    const answers = await answersTo(simulated, asked)
    for (const [index, operation] of asked.entries()) {
      expect(answers[index], `seed ${random.seed}, operation ${index}: ${JSON.stringify(operation)}`).toEqual(
        expected[index],
      )
    }
  })
})
