import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { breakableWrites, failWrites } from '../helpers/broken-storage.ts'
import { type Person, TestBrowser } from '../helpers/chromium.ts'
import { DiaryPage } from '../helpers/health-diary/page.ts'
import { DiaryApp } from '../helpers/health-diary/serve.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { secret, token } from '../helpers/tokens.ts'
import { pause, until } from '../helpers/until.ts'

let browser: TestBrowser
let app: DiaryApp
let server: ServerProcess
let ada: Person
const people: Person[] = []
const servers: ServerProcess[] = []

beforeAll(async () => {
  browser = await TestBrowser.launch()
  app = await DiaryApp.start()
  app.token = await token()
  server = await startServer()
})
afterEach(async () => {
  for (const person of people.splice(0)) {
    expect(person.complaints).toEqual([])
    await person.context.close()
  }
})
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
  for (const started of servers) await started[Symbol.asyncDispose]()
})

async function startServer(): Promise<ServerProcess> {
  const started = await ServerProcess.start({
    databaseUrl: await freshDatabase(),
    secret,
    env: { TIDEMARK_ALLOWED_ORIGINS: app.origin },
  })
  servers.push(started)
  return started
}

async function somebody(): Promise<Person> {
  const person = await browser.person()
  people.push(person)
  return person
}

async function openDiary(of: Person, at = server, client = 'anna'): Promise<DiaryPage> {
  return DiaryPage.open(await of.context.newPage(), app.address(at.sync, client))
}

describe('[H1] [D4.1] what the app’s rules refuse', () => {
  test('is shown to the person, and is stored nowhere: not here, not after a reload, not at anybody else’s', async () => {
    ada = await somebody()
    const diary = await openDiary(ada)
    await diary.saveProfile('Anna')
    await diary.indicates('Saved')
    await diary.saveProfile('   ')
    await diary.hears({ name: 'sync-error', code: 'value-invalid', persistent: true, isError: true })
    expect(await diary.toasts()).toEqual(['value-invalid'])
    expect(await diary.page.locator('.toast').textContent()).toBe('A profile needs a name.')
    const refused = await diary.page.evaluate(() => {
      const { store, document } = window.diary
      const codes: unknown[] = []
      for (const write of [
        () => store.set('products', [{ name: 'bread', kcal: 'many' }]),
        () => store.delete('profile'),
        () => store.setMany({ 'weight/2026-11-20': 61, 'weight/2026-11-21': 6100 }),
      ]) {
        try {
          write()
        } catch (error) {
          codes.push((error as { code: string }).code)
        }
      }
      return { codes, pendingCount: document.pendingCount }
    })
    expect(refused).toEqual({ codes: ['value-invalid', 'value-invalid', 'value-invalid'], pendingCount: 0 })
    await diary.page.reload()
    await until('it is loaded', async () => (await diary.entries()).length > 0)
    expect(await diary.entries()).toEqual([['profile', { name: 'Anna' }]])
    const other = await openDiary(await somebody())
    await other.indicates('Saved')
    expect(await other.entries()).toEqual([['profile', { name: 'Anna' }]])
  })
})

describe('[H2] [H3] [H10] [D4.4] the three events on window', () => {
  test('[H2] pending-change comes in the tick of the edit', async () => {
    ada = await somebody()
    const diary = await openDiary(ada)
    await diary.indicates('Saved')
    const sameTick = await diary.page.evaluate(() => {
      const before = window.heard.length
      window.diary.store.set('sleep/2026-11-21', 8)
      return window.heard.slice(before)
    })
    expect(sameTick).toMatchObject([{ name: 'pending-change', pendingCount: 1 }])
  })

  test('[H3] queue-drained comes when the server has stored everything, and not before: kill -9 then loses nothing', async () => {
    const own = await startServer()
    ada = await somebody()
    const diary = await openDiary(ada, own)
    await diary.indicates('Saved')
    await own.kill9()
    await diary.saveWeight('61.5')
    await diary.hears({ name: 'pending-change' })
    await pause(1_000)
    expect((await diary.heard()).filter(({ name }) => name === 'queue-drained')).toEqual([])
    expect(await diary.part('pending').textContent()).toBe('1')
    await own.start()
    await diary.hears({ name: 'queue-drained' }, 40_000)
    await own.kill9()
    expect((await diary.heard()).filter(({ name }) => name === 'queue-drained')).toHaveLength(1)
    expect(await diary.part('pending').textContent()).toBe('0')
    await own.start()
    const other = await openDiary(await somebody(), own)
    await other.indicates('Saved')
    expect((await other.entries()).map(([, value]) => value)).toEqual([61.5])
  })

  test('[H10] keys for those who think in keys: set, get, watch, delete, here and at somebody else’s', async () => {
    ada = await somebody()
    const [mine, hers] = [await openDiary(ada, server, 'bert'), await openDiary(await somebody(), server, 'bert')]
    await Promise.all([mine.indicates('Saved'), hers.indicates('Saved')])
    await hers.page.evaluate(() => {
      const changes: unknown[] = []
      Object.assign(window, { changes })
      window.diary.store.watch('meal', (change) => changes.push(change))
    })
    await mine.page.evaluate(() => {
      window.diary.store.set('meal', { name: 'soup' })
      window.diary.store.set('other', 1)
    })
    const changes = () => hers.page.evaluate(() => (window as unknown as { changes: unknown[] }).changes)
    await until('she hears of the meal', async () => (await changes()).length === 1)
    expect(await hers.page.evaluate(() => window.diary.store.get('meal'))).toEqual({ name: 'soup' })
    await mine.page.evaluate(() => window.diary.store.delete('meal'))
    await until('she hears that it is gone', async () => (await changes()).length === 2)
    expect(await changes()).toEqual([
      { key: 'meal', value: { name: 'soup' }, isLocal: false },
      { key: 'meal', previous: { name: 'soup' }, isLocal: false },
    ])
    expect(await hers.page.evaluate(() => window.diary.store.keys())).toEqual(['other'])
  })
})

describe('[H4] sync-error says what is wrong; what does not go away by itself raises a toast', () => {
  test('the server is away: no toast, the edit is kept', async () => {
    const own = await startServer()
    const diary = await openDiary(await somebody(), own)
    await diary.indicates('Saved')
    await own.kill9()
    await diary.saveWeight('62')
    await diary.hears({ name: 'sync-error', code: 'server-unreachable', persistent: false, isError: true })
    await diary.indicates('Offline')
    expect(await diary.toasts()).toEqual([])
  })

  test('there is no network: another code, no toast', async () => {
    ada = await somebody()
    const diary = await openDiary(ada)
    await diary.indicates('Saved')
    await ada.context.setOffline(true)
    await diary.saveWeight('63')
    await diary.hears({ name: 'sync-error', code: 'network-offline', persistent: false, isError: true })
    expect(await diary.toasts()).toEqual([])
    await ada.context.setOffline(false)
    await diary.hears({ name: 'queue-drained' })
  })

  test('the server refuses the edit: a toast. Once the right is known, the write is refused here, and does not stay pending', async () => {
    const readers = await token({ subject: 'reader', documents: { '*': 'read' } })
    const writers = app.token
    app.token = readers
    try {
      const reader = await somebody()
      const diary = await openDiary(reader, server, 'bert')
      await diary.indicates('Saved')
      const code = await diary.page.evaluate(() => {
        try {
          window.diary.store.set('mine', 1)
          return null
        } catch (error) {
          return (error as { code: string }).code
        }
      })
      expect(code).toBe('read-only')
      await diary.hears({ name: 'sync-error', code: 'read-only', persistent: true })
      expect(await diary.toasts()).toEqual(['read-only'])
      expect(
        await diary.page.evaluate(() => [window.diary.document.pendingCount, window.diary.store.has('mine')]),
      ).toEqual([0, false])

      // written before the server has said so
      const backend = Promise.withResolvers<string>()
      app.token = backend.promise
      const early = await openDiary(await somebody(), server, 'anna')
      await early.page.evaluate(() => window.diary.store.set('early', 1))
      backend.resolve(readers)
      await early.hears({ name: 'sync-error', code: 'read-only', persistent: true })
      await early.indicates('Error')
      expect(await early.toasts()).toEqual(['read-only'])
      expect(await early.part('indicator').getAttribute('data-tone')).toBe('red')
    } finally {
      app.token = writers
    }
  })

  test('the sign-in is not accepted: a toast', async () => {
    const good = app.token
    app.token = await token({ signedWith: 'some other secret that is long enough as well: 0123456789' })
    try {
      const diary = await openDiary(await somebody())
      await diary.hears({ name: 'sync-error', code: 'token-invalid', persistent: true, isError: true })
      expect(await diary.toasts()).toEqual(['token-invalid'])
      await diary.indicates('Error')
    } finally {
      app.token = good
    }
  })

  test('this device is full: a toast, and the server gets it all the same', async () => {
    ada = await somebody()
    const page = await ada.context.newPage()
    await breakableWrites(page)
    const diary = await DiaryPage.open(page, app.address(server.sync))
    await diary.indicates('Saved')
    await failWrites(page, true)
    await diary.saveWeight('64')
    await diary.hears({ name: 'sync-error', code: 'local-storage-full', persistent: true })
    expect(await diary.toasts()).toContain('local-storage-full')
    await diary.hears({ name: 'queue-drained' })
  })
})

describe('[H7] signing out', () => {
  test('waits until the server has everything, and then leaves nothing on the device', async () => {
    const diary = await openDiary(await somebody(), server, 'bert')
    await diary.indicates('Saved')
    expect(await diary.databases()).not.toEqual([])
    await diary.saveWeight('65')
    await diary.part('sign-out').click()
    await diary.indicates('Signed out')
    expect(await diary.databases()).toEqual([])
    const other = await openDiary(await somebody(), server, 'bert')
    await other.indicates('Saved')
    expect((await other.entries()).map(([, value]) => value)).toContain(65)
  })

  test('with the server away it waits 5 s, says what is left, and keeps it until the person says otherwise', async () => {
    const own = await startServer()
    const device = await somebody()
    const diary = await openDiary(device, own)
    await diary.indicates('Saved')
    await own.kill9()
    await diary.saveProfile('Anna')
    await diary.saveWeight('66')
    const start = performance.now()
    await diary.part('sign-out').click()
    const question = diary.part('leftovers').locator('p')
    await question.waitFor({ state: 'visible', timeout: 10_000 })
    expect(performance.now() - start).toBeGreaterThan(4_500)
    expect(await question.textContent()).toBe('2 changes of anna are not on the server yet.')
    await diary.part('keep').click()
    expect(await diary.databases()).not.toEqual([])

    const again = await openDiary(device, own)
    expect((await again.entries()).map(([, value]) => value)).toEqual([{ name: 'Anna' }, 66])
    await again.hears({ name: 'pending-change', pendingCount: 2 })
    await again.part('sign-out').click()
    await again.part('leftovers').waitFor({ state: 'visible', timeout: 10_000 })
    await again.part('delete').click()
    await again.indicates('Signed out')
    await until('the device is empty', async () => (await again.databases()).length === 0)
  })
})

describe('[H8] [D4.2] on the wire', () => {
  test('fifty values of a key within a burst are one message with the last one, and fifty pending-changes at once', async () => {
    const device = await somebody()
    const diary = await openDiary(device)
    await diary.indicates('Saved')
    const devtools = await device.context.newCDPSession(diary.page)
    await devtools.send('Network.enable')
    const sent: Buffer[] = []
    devtools.on('Network.webSocketFrameSent', ({ response }) => {
      sent.push(Buffer.from(response.payloadData, 'base64'))
    })
    // the session learns of a socket when something passes
    await diary.page.evaluate(() => window.diary.document.flush())
    const heard = await diary.page.evaluate(() => {
      const before = window.heard.length
      for (let number = 1; number <= 50; number++) {
        window.diary.store.set('slider', { reading: `reading ${number} ${'·'.repeat(100)}` })
      }
      return window.heard.slice(before)
    })
    expect(heard.map(({ name }) => name)).toEqual(Array(50).fill('pending-change'))
    await diary.page.evaluate(() => window.diary.document.flush())
    const withReadings = sent.filter((frame) => frame.includes('reading'))
    expect(withReadings).toHaveLength(1)
    expect(withReadings[0]!.toString().match(/reading \d+/g)).toEqual(['reading 50'])
    expect(withReadings[0]!.byteLength).toBeLessThan(500)
    const other = await openDiary(await somebody())
    await other.indicates('Saved')
    expect(await other.page.evaluate(() => window.diary.store.get('slider'))).toMatchObject({
      reading: expect.stringMatching(/^reading 50 /),
    })
  })
})

describe('[H9] a curator who goes from one client to the next', () => {
  test('sees each one’s own data, and signing out of one wipes exactly that one', async () => {
    const own = await startServer()
    const device = await somebody()
    const diary = await openDiary(device, own)
    await diary.saveProfile('Anna')
    await diary.indicates('Saved')
    await diary.part('person').selectOption('bert')
    await diary.indicates('Saved')
    expect(await diary.entries()).toEqual([])
    expect(await diary.part('profile').getByRole('textbox').inputValue()).toBe('')
    await own.kill9()
    await diary.saveProfile('Bert')
    const both = await diary.databases()
    expect(both.some((name) => name.includes('anna')) && both.some((name) => name.includes('bert'))).toBe(true)

    // Bert's edit is pending; Anna's diary neither shows it, nor counts it, nor waits for it
    await diary.part('person').selectOption('anna')
    await diary.indicates('Offline')
    expect(await diary.entries()).toEqual([['profile', { name: 'Anna' }]])
    expect(await diary.part('pending').textContent()).toBe('0')
    await own.start()
    await diary.indicates('Saved', 40_000)
    await diary.part('sign-out').click()
    await diary.indicates('Signed out')
    const left = await diary.databases()
    expect(left).toEqual(both.filter((name) => !name.includes('anna')))

    const later = await openDiary(device, own, 'bert')
    expect(await later.entries()).toEqual([['profile', { name: 'Bert' }]])
    await later.indicates('Saved')
    const other = await openDiary(await somebody(), own, 'bert')
    await other.indicates('Saved')
    expect(await other.entries()).toEqual([['profile', { name: 'Bert' }]])
  })
})

describe('[P9] [D4.3] creating the same thing at once', () => {
  test.each(['there', 'away'] as const)(
    'two tabs, the server %s: one entry each time, the second gets it',
    async (is) => {
      const own = await startServer()
      const device = await somebody()
      const tabs = [await openDiary(device, own), await openDiary(device, own)]
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
      const other = await openDiary(await somebody(), own)
      await other.indicates('Saved')
      expect(await other.entries()).toEqual(await tabs[0]!.entries())
    },
  )

  test('two devices that could not hear each other: the first creation counts on both, and what was written counts before', async () => {
    const own = await startServer()
    await own.kill9()
    const [laptop, phone] = [await openDiary(await somebody(), own), await openDiary(await somebody(), own)]
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
