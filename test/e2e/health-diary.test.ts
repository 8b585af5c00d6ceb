import { describe, expect, test } from 'vitest'
import { breakableWrites, failWrites } from '../helpers/broken-storage.ts'
import { DiaryPage } from '../helpers/health-diary/page.ts'
import { DiaryWorld } from '../helpers/health-diary/world.ts'
import { token } from '../helpers/tokens.ts'
import { pause, until } from '../helpers/until.ts'

const world = new DiaryWorld()

describe('[H1] [D4.1] what the app’s rules refuse', () => {
  test('is shown to the person, and is stored nowhere: not here, not after a reload, not at anybody else’s', async () => {
    const ada = await world.somebody()
    const diary = await world.open(ada)
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
    const other = await world.open(await world.somebody())
    await other.indicates('Saved')
    expect(await other.entries()).toEqual([['profile', { name: 'Anna' }]])
  })
})

describe('[H2] [H3] [H10] [D4.4] the three events on window', () => {
  test('[H2] pending-change comes in the tick of the edit', async () => {
    const ada = await world.somebody()
    const diary = await world.open(ada)
    await diary.indicates('Saved')
    const sameTick = await diary.page.evaluate(() => {
      const before = window.heard.length
      window.diary.store.set('sleep/2026-11-21', 8)
      return window.heard.slice(before)
    })
    expect(sameTick).toMatchObject([{ name: 'pending-change', pendingCount: 1 }])
  })

  test('[H3] queue-drained comes when the server has stored everything, and not before: kill -9 then loses nothing', async () => {
    const own = await world.startServer()
    const ada = await world.somebody()
    const diary = await world.open(ada, own)
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
    const other = await world.open(await world.somebody(), own)
    await other.indicates('Saved')
    expect((await other.entries()).map(([, value]) => value)).toEqual([61.5])
  })

  test('[H10] keys for those who think in keys: set, get, watch, delete, here and at somebody else’s', async () => {
    const ada = await world.somebody()
    const [mine, hers] = [
      await world.open(ada, world.server, 'bert'),
      await world.open(await world.somebody(), world.server, 'bert'),
    ]
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
    const own = await world.startServer()
    const diary = await world.open(await world.somebody(), own)
    await diary.indicates('Saved')
    await own.kill9()
    await diary.saveWeight('62')
    await diary.hears({ name: 'sync-error', code: 'server-unreachable', persistent: false, isError: true })
    await diary.indicates('Offline')
    expect(await diary.toasts()).toEqual([])
  })

  test('there is no network: another code, no toast', async () => {
    const ada = await world.somebody()
    const diary = await world.open(ada)
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
    const writers = world.app.token
    world.app.token = readers
    try {
      const reader = await world.somebody()
      const diary = await world.open(reader, world.server, 'bert')
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
      world.app.token = backend.promise
      const early = await world.open(await world.somebody(), world.server, 'anna')
      await early.page.evaluate(() => window.diary.store.set('early', 1))
      backend.resolve(readers)
      await early.hears({ name: 'sync-error', code: 'read-only', persistent: true })
      await early.indicates('Error')
      expect(await early.toasts()).toEqual(['read-only'])
      expect(await early.part('indicator').getAttribute('data-tone')).toBe('red')
    } finally {
      world.app.token = writers
    }
  })

  test('the sign-in is not accepted: a toast', async () => {
    const good = world.app.token
    world.app.token = await token({ signedWith: 'some other secret that is long enough as well: 0123456789' })
    try {
      const diary = await world.open(await world.somebody())
      await diary.hears({ name: 'sync-error', code: 'token-invalid', persistent: true, isError: true })
      expect(await diary.toasts()).toEqual(['token-invalid'])
      await diary.indicates('Error')
    } finally {
      world.app.token = good
    }
  })

  test('this device is full: a toast, and the server gets it all the same', async () => {
    const ada = await world.somebody()
    const page = await ada.context.newPage()
    await breakableWrites(page)
    const diary = await DiaryPage.open(page, world.app.address(world.server.sync))
    await diary.indicates('Saved')
    await failWrites(page, true)
    await diary.saveWeight('64')
    await diary.hears({ name: 'sync-error', code: 'local-storage-full', persistent: true })
    expect(await diary.toasts()).toContain('local-storage-full')
    await diary.hears({ name: 'queue-drained' })
  })
})

describe('[H8] [D4.2] on the wire', () => {
  test('fifty values of a key within a burst are one message with the last one, and fifty pending-changes at once', async () => {
    const device = await world.somebody()
    const diary = await world.open(device)
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
    const other = await world.open(await world.somebody())
    await other.indicates('Saved')
    expect(await other.page.evaluate(() => window.diary.store.get('slider'))).toMatchObject({
      reading: expect.stringMatching(/^reading 50 /),
    })
  })
})
