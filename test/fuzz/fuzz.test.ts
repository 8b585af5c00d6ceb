import { describe, expect, test } from 'vitest'
import { freshDatabase } from '../helpers/postgres.ts'
import { Random } from '../helpers/random.ts'
import { ServerProcess } from '../helpers/server.ts'
import { secret } from '../helpers/tokens.ts'
import { serveRound } from './served/round.ts'
import { framesPerRound, simulate } from './simulated/simulate.ts'

// ten thousand frames: eight rounds of a thousand in simulated time, two on real servers
const anySeed = new Random().int(1_000, 2 ** 31)
const seeds = [1, 2, 3, 4, 5, 6, 7, anySeed]

describe('[R1] [R3] [R6] whatever hostile clients send, what honest ones were told is true', () => {
  test.each(seeds)('in simulated time (seed %i)', async (seed) => {
    await simulate(seed)
  })

  test.each([
    { database: 'Postgres', seed: 8, databaseUrl: freshDatabase },
    { database: 'PGlite', seed: anySeed, databaseUrl: async () => null },
  ])('on a server with $database, killed and started again (seed $seed)', async ({ seed, databaseUrl }) => {
    const url = await databaseUrl()
    await using server = await ServerProcess.start({ secret, ...(url === null ? {} : { databaseUrl: url }) })
    const { complaints } = await serveRound(server, { seed, frames: framesPerRound })
    expect(complaints.join('\n')).toBe('')
  })
})
