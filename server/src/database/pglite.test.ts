import { createHash } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDataFolder } from '../../../test/helpers/data-folder.ts'
import type { Driver } from './database.ts'
import { openPglite } from './pglite.ts'
import { PgliteClient } from './pglite-client.ts'

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
  test('gives bytes back as they are', async () => {
    const bytes = Uint8Array.from({ length: 512 }, (_, at) => at)
    // a view into a larger buffer, as a client's message is
    for (const view of [bytes.subarray(100, 400), new Uint8Array(0)]) {
      const [row] = await driver.run<{ echo: Uint8Array }>(statement('select $1::bytea as echo'), [view])
      expect(new Uint8Array(row?.echo ?? [1])).toEqual(new Uint8Array(view))
    }
  })

  test('[R6.12] takes large bytes in pieces, and puts them together', async () => {
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 7919) % 251)
    const other = Uint8Array.from({ length: 1_500_000 }, (_, at) => (at * 104_729) % 253)
    const both = statement(
      'select md5($1::bytea) as one, md5($2) as other, octet_length($1) as length, $3::int as number, $12::text as twelfth' +
        ', $4::int + $5::int + $6::int + $7::int + $8::int + $9::int + $10::int + $11::int as sum',
    )
    const md5 = (value: Uint8Array) => createHash('md5').update(value).digest('hex')
    let turns = 0
    let isDone = false
    const others = (async () => {
      for (; !isDone; turns++) await driver.writer.run(statement('select 1'), [])
    })()
    const rest = [5, 1, 1, 1, 1, 1, 1, 1, 1, 'twelve']
    const answers = await Promise.all([
      driver.run(both, [bytes, other, ...rest]),
      driver.run(both, [other, bytes, ...rest]),
      driver.writer.run(both, [other, other, ...rest]),
    ])
    isDone = true
    await others
    const numbers = { number: 5, sum: 8, twelfth: 'twelve' }
    expect(answers).toEqual([
      [{ one: md5(bytes), other: md5(other), length: bytes.length, ...numbers }],
      [{ one: md5(other), other: md5(bytes), length: other.length, ...numbers }],
      [{ one: md5(other), other: md5(other), length: other.length, ...numbers }],
    ])
    expect(turns).toBeGreaterThan(20)
    expect(await driver.run(statement('select count(*)::int as left from pg_temp.tidemark_parameters'), [])).toEqual([
      { left: 0 },
    ])
    await expect(driver.run(statement('select $1::bytea / 0'), [bytes])).rejects.toThrow()
    expect(await driver.run(statement('select count(*)::int as left from pg_temp.tidemark_parameters'), [])).toEqual([
      { left: 0 },
    ])
  })

  test('[R6.12] others have their turns while it computes', async () => {
    let turns = 0
    let isDone = false
    const others = (async () => {
      for (; !isDone; turns++) await setTimeout(1)
    })()
    await driver.run(statement('select count(*) from generate_series(1, 2000000)'), [])
    isDone = true
    await others
    expect(turns).toBeGreaterThan(10)
  })

  test('what the database says of a failure comes over, with its code', async () => {
    await expect(driver.run(statement('select 1 / 0'), [])).rejects.toMatchObject({ code: '22012', message: /zero/ })
    const missing = driver.run(statement('select * from nowhere'), [])
    await expect(missing).rejects.toMatchObject({ code: '42P01', severity: 'ERROR' })
  })

  test('once its thread has ended every question fails, those that wait, too', async () => {
    const other = await newDataFolder()
    const client = await PgliteClient.open(`${other}/pglite`)
    const waiting = client.query('select count(*) from generate_series(1, 500000)', [])
    waiting.catch(() => {})
    await client.abandon()
    await expect(waiting).rejects.toThrow('has ended')
    await expect(client.query('select 1', [])).rejects.toThrow('has ended')
    expect(client.ended).toBeInstanceOf(Error)
    await rm(other, { recursive: true })
  })

  test('a folder that is none is refused, and no thread is left', async () => {
    const other = await newDataFolder()
    await rm(`${other}/pglite`, { recursive: true, force: true })
    await writeFile(`${other}/pglite`, 'a file')
    await expect(openPglite(other)).rejects.toThrow()
    await rm(other, { recursive: true })
  })
})
