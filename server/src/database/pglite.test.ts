import { rm } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDataFolder } from '../../../test/helpers/data-folder.ts'
import type { Driver } from './database.ts'
import { openPglite } from './pglite.ts'

let folder: string
let driver: Driver

beforeAll(async () => {
  folder = await newDataFolder()
  driver = await openPglite(folder)
})

afterAll(async () => {
  await driver.close()
  await rm(folder, { recursive: true })
})

const statement = (text: string) => ({ name: text, text })

describe('PGlite', () => {
  test('gives bytes back as they are, alone and in an array', async () => {
    const bytes = Uint8Array.from({ length: 512 }, (_, at) => at)
    // a view into a larger buffer, as a client's message is
    const view = bytes.subarray(100, 400)
    const echo = statement('select $1::bytea as alone, (select array_agg(b) from unnest($2::bytea[]) b) as several')
    const [row] = await driver.run<{ alone: Uint8Array; several: Uint8Array[] }>(echo, [
      view,
      [view, new Uint8Array(0)],
    ])
    expect(new Uint8Array(row?.alone ?? [])).toEqual(new Uint8Array(view))
    expect(row?.several.map((each) => [...each])).toEqual([[...view], []])
  })

  test('[R6.12] many statements in a row leave others their turn', async () => {
    let turns = 0
    let isDone = false
    const others = (async () => {
      for (; !isDone; turns++) await setImmediate()
    })()
    for (let count = 0; count < 20; count++) await driver.run(statement('select 1'), [])
    isDone = true
    await others
    expect(turns).toBeGreaterThanOrEqual(20)
  })
})
