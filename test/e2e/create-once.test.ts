import { describe, expect, test } from 'vitest'
import type { DiaryPage } from '../helpers/health-diary/page.ts'
import { DiaryWorld } from '../helpers/health-diary/world.ts'
import { pause, until } from '../helpers/until.ts'

const world = new DiaryWorld()

describe('[P9] [D4.3] creating the same thing at once', () => {
  test.each(['there', 'away'] as const)(
    'two tabs, the server %s: one entry each time, the second gets it',
    async (is) => {
      const own = await world.startServer()
      const device = await world.somebody()
      const tabs = [await world.open(device, own), await world.open(device, own)]
      await Promise.all(tabs.map((tab) => tab.indicates('Saved')))
      if (is === 'away') await own.kill9()
      const keys = Array.from({ length: 20 }, (_, index) => `day/${index + 10}`)
      const start = Date.now() + 500
      const answers = await Promise.all(
        tabs.map(({ page }, tab) =>
          page.evaluate(
            async ({ keys, start, tab }) => {
              while (Date.now() < start) await new Promise((resolve) => setTimeout(resolve, 0))
              return Promise.all(keys.map((key) => window.diary.store.createIfAbsent(key, () => ({ madeIn: tab }))))
            },
            { keys, start, tab },
          ),
        ),
      )
      for (const [index, key] of keys.entries()) {
        const [one, two] = [answers[0]![index]!, answers[1]![index]!]
        expect([one.created, two.created].sort(), key).toEqual([false, true])
        expect(one.value, key).toEqual(two.value)
        expect(one.value, key).toEqual({ madeIn: one.created ? 0 : 1 })
      }
      for (const tab of tabs) {
        expect(await tab.entries()).toEqual(keys.map((key, index) => [key, answers[0]![index]!.value]))
      }
      if (is === 'away') await own.start()
      await Promise.all(tabs.map((tab) => tab.indicates('Saved', 40_000)))
      const other = await world.open(await world.somebody(), own)
      await other.indicates('Saved')
      expect(await other.entries()).toEqual(await tabs[0]!.entries())
    },
  )

  test('two devices that could not hear each other: the first creation counts on both, and what was written counts before', async () => {
    const own = await world.startServer()
    await own.kill9()
    const [laptop, phone] = [
      await world.open(await world.somebody(), own),
      await world.open(await world.somebody(), own),
    ]
    const create = (diary: DiaryPage, key: string, value: string) =>
      diary.page.evaluate(([key, value]) => window.diary.store.createIfAbsent(key!, () => value), [key, value])
    expect(await create(phone, 'settings', 'phone, default')).toMatchObject({ created: true })
    await pause(20)
    expect(await create(laptop, 'notes', 'laptop, first')).toMatchObject({ created: true })
    expect(await create(laptop, 'settings', 'laptop, default')).toMatchObject({ created: true })
    await laptop.page.evaluate(() => window.diary.store.set('settings', 'laptop, written'))
    await pause(20)
    expect(await create(phone, 'notes', 'phone, second')).toMatchObject({ created: true })
    await own.start()
    await Promise.all([laptop, phone].map((diary) => diary.hears({ name: 'queue-drained' }, 40_000)))
    const ends = [
      ['notes', 'laptop, first'],
      ['settings', 'laptop, written'],
    ]
    for (const diary of [laptop, phone]) {
      await until('both have come together', async () => (await diary.entries()).length === 2)
      await until('they agree', async () => {
        expect(await diary.entries()).toEqual(ends)
        return true
      })
    }
  })
})
