import { systemClock } from '@tidemark/shared'
import { expect, test } from 'vitest'
import { createReadiness } from './readiness.ts'

function make(troubles: () => Promise<string[]>) {
  const state = { isAvailable: true, isStopping: false, asked: 0, rested: 0 }
  const readiness = createReadiness({
    isAvailable: () => state.isAvailable,
    isStopping: () => state.isStopping,
    troubles: () => {
      state.asked += 1
      return troubles()
    },
    clock: systemClock,
    async rest() {
      state.rested += 1
    },
  })
  return { state, readiness }
}

test('[W2] says why the database takes no edits, though nobody makes one', async () => {
  const { readiness } = make(async () => ['the database is read-only'])
  expect(await readiness()).toEqual({ ready: false, reasons: ['the database is read-only'] })
})

test('[W2] many who ask share one question to the database, and its answer for a second', async () => {
  const { state, readiness } = make(async () => [])
  const answers = await Promise.all(Array.from({ length: 100 }, () => readiness()))
  expect(answers).toEqual(answers.map(() => ({ ready: true })))
  await readiness()
  expect(state.asked).toBe(1)
  // [R6.41] those who hear of it together go on in turns
  expect(state.rested).toBe(100)
  await new Promise((resolve) => setTimeout(resolve, 1_050))
  await readiness()
  expect(state.asked).toBe(2)
})

test('[W2] whoever asks again is answered from memory, however long the database takes; not with what is long past', async () => {
  let delay = 0
  const { state, readiness } = make(async () => {
    await new Promise((resolve) => setTimeout(resolve, delay))
    return state.asked === 1 ? [] : ['the database is read-only']
  })
  expect(await readiness()).toEqual({ ready: true })
  delay = 500
  await new Promise((resolve) => setTimeout(resolve, 1_050))
  const started = performance.now()
  expect(await readiness()).toEqual({ ready: true })
  expect(performance.now() - started).toBeLessThan(300)
  await new Promise((resolve) => setTimeout(resolve, 800))
  expect(await readiness()).toMatchObject({ ready: false })
  delay = 5_000
  await new Promise((resolve) => setTimeout(resolve, 3_100))
  expect(await readiness()).toEqual({ ready: false, reasons: ['the database is away'] })
}, 15_000)

test('[W2] a database that does not answer is away, and is asked once', async () => {
  const { state, readiness } = make(() => new Promise(() => {}))
  const started = performance.now()
  expect(await Promise.all([readiness(), readiness()])).toEqual([
    { ready: false, reasons: ['the database is away'] },
    { ready: false, reasons: ['the database is away'] },
  ])
  expect(await readiness()).toMatchObject({ ready: false })
  expect(performance.now() - started).toBeLessThan(3_000)
  expect(state.asked).toBe(1)
})

test('[W2] while commits fail, or the server stops, it is not asked', async () => {
  const { state, readiness } = make(async () => [])
  state.isAvailable = false
  expect(await readiness()).toEqual({ ready: false, reasons: ['the database is away'] })
  state.isAvailable = true
  state.isStopping = true
  expect(await readiness()).toEqual({ ready: false, reasons: ['shutting down'] })
  expect(state.asked).toBe(0)
})
