import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { once } from './once.ts'

const runs = process.env.TIDEMARK_SIMULATION_RUNS ?? '150'
const first = process.env.TIDEMARK_SIMULATION_SEED ?? '1'

/** @returns what went wrong; nothing when all is well */
function live(...how: string[]): Promise<string> {
  const many = fileURLToPath(new URL('./many.ts', import.meta.url))
  return new Promise((resolve) => {
    execFile(process.execPath, [many, ...how], { maxBuffer: 64 * 1024 * 1024 }, (error, output, complaints) => {
      // one that could not even begin says why on the other channel
      resolve(error ? output.trim() || complaints || String(error) : '')
    })
  })
}

test('[C4] [R1] [R2] [R3] [R4] [R9] [D1] [D3] whatever happens to tabs, devices, disks, networks and the server, every promise is kept', async () => {
  expect(await live(first, runs)).toBe('')
}, 36_000_000)

describe('what once went wrong', () => {
  test.each(once.map(([what], number) => [what, number] as const))('%s', async (_, number) => {
    expect(await live('once', String(number))).toBe('')
  })
})
