import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { picture, TestBrowser } from '../helpers/chromium.ts'
import { DemoPage } from '../helpers/demo-page.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { ServerProcess } from '../helpers/server.ts'
import { secret, token } from '../helpers/tokens.ts'
import { until } from '../helpers/until.ts'

/** How long a token lasts that is to run out, in seconds: long enough to open a document and save something on a busy machine. */
const soon = 12

let browser: TestBrowser
let server: ServerProcess
beforeAll(async () => {
  browser = await TestBrowser.launch()
  server = await ServerProcess.start({ databaseUrl: await freshDatabase(), secret })
})
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

describe('[T1] [H4] somebody whose token runs out while they write', () => {
  test('writes on, is asked to sign in again, and everything is saved once they did', async () => {
    await using ada = await browser.person()
    const demo = await ada.open(`${server.http}/d/expires`)
    await demo.signIn(await token({ subject: 'ada', expiresIn: soon }))
    await demo.editable()
    await demo.write('before. ')
    await demo.becomes('saved')
    await until('the page asks to sign in', () => demo.toast('sign-in').isVisible(), { timeout: 40_000 })
    await demo.write('meanwhile. ')
    await demo.becomes('error')
    expect(await demo.pendingCount()).toBeGreaterThan(0)
    await picture(demo.page, 'token-expired')
    await demo.page.getByTestId('toast-sign-in').click()
    await demo.signIn(await token({ subject: 'ada' }))
    await demo.becomes('saved', 20_000)
    await demo.write('after.')
    await demo.becomes('saved')
    await until('the toast is gone', async () => !(await demo.toast('sign-in').isVisible()))

    await using ben = await browser.person()
    const other = await ben.open(`${server.http}/d/expires`)
    await other.signIn(await token({ subject: 'ben' }))
    await other.shows('before. meanwhile. after.')
  })

  test('[T3] [R10.1] the token is in no URL, no storage of the page, no log', async () => {
    await using ada = await browser.person()
    const urls: string[] = []
    ada.context.on('request', (request) => urls.push(request.url()))
    const page = await ada.context.newPage()
    page.on('websocket', (socket) => urls.push(socket.url()))
    await page.goto(`${server.http}/d/quiet`)
    const demo = new DemoPage(page)
    const mine = await token({ subject: 'quiet-ada' })
    await demo.signIn(mine)
    await demo.editable()
    await demo.write('x')
    await demo.becomes('saved')
    const stored = await page.evaluate(async () => {
      const words = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href]
      for (const { name } of await indexedDB.databases()) {
        const database = await new Promise<IDBDatabase>((resolve, reject) => {
          const request = indexedDB.open(name ?? '')
          request.onsuccess = () => resolve(request.result)
          request.onerror = () => reject(request.error)
        })
        for (const store of database.objectStoreNames) {
          const rows = await new Promise<unknown[]>((resolve) => {
            const request = database.transaction(store).objectStore(store).getAll()
            request.onsuccess = () => resolve(request.result)
          })
          for (const row of rows) {
            words.push(row instanceof Uint8Array ? new TextDecoder('latin1').decode(row) : JSON.stringify(row))
          }
        }
        database.close()
      }
      return words.join('\n')
    })
    const signature = mine.split('.')[2] ?? mine
    expect(stored.length).toBeGreaterThan(100)
    for (const place of [stored, urls.join('\n'), server.output]) expect(place).not.toContain(signature)
  })
})

describe('[R5.4] [S4] somebody who may only read', () => {
  test('sees what others write, cannot type, and is told so', async () => {
    await using ada = await browser.person()
    await using rita = await browser.person()
    const writing = await ada.open(`${server.http}/d/read-me`)
    await writing.signIn(await token({ subject: 'ada', name: 'Ada' }))
    await writing.editable()
    await writing.write('for everybody. ')
    await writing.becomes('saved')

    const reading = await rita.open(`${server.http}/d/read-me`)
    await reading.signIn(await token({ subject: 'rita', name: 'Rita', documents: { '*': 'read' } }))
    await reading.shows('for everybody.')
    await until('the badge says read only', () => reading.page.getByTestId('read-only').isVisible())
    expect(await reading.editor.getAttribute('contenteditable')).toBe('false')
    await writing.write('And more.')
    await reading.shows('And more.')
    await picture(reading.page, 'read-only')

    await reading.page.evaluate(() => window.tidemark?.document?.doc.getMap('forced').set('edit', 1))
    await until('the refusal is shown with its reason', () => reading.toast('read-only').isVisible())
    await reading.becomes('error')
    await writing.write(' Still.')
    await writing.becomes('saved')
  })

  test('somebody without access is told so, and sees nothing of the document', async () => {
    await using eve = await browser.person()
    const page = await eve.open(`${server.http}/d/read-me`)
    await page.signIn(await token({ subject: 'eve', documents: { 'team-8/*': 'write' } }))
    await until('the refusal is shown', () => page.toast('permission-denied').isVisible())
    expect(await page.text()).not.toContain('for everybody')
  })
})

describe('[H7] [R3.4] signing out', () => {
  test('when everything is saved: the copies on this device are gone', async () => {
    await using ada = await browser.person()
    const demo = await ada.open(`${server.http}/d/leaving`)
    await demo.signIn(await token({ subject: 'leaver' }))
    await demo.editable()
    await demo.write('saved, then left')
    await demo.becomes('saved')
    await demo.page.getByTestId('people').click()
    await demo.page.getByTestId('sign-out').click()
    await until('it says so', async () =>
      (await demo.toast('signed-out').textContent())?.includes('Everything was saved'),
    )
    const left = await demo.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
    expect(left.filter((name) => name?.includes('leaving'))).toEqual([])
  })

  test('with the server away: it waits 5 s, says what is left, and keeps it', async () => {
    await using own = await ServerProcess.start({ databaseUrl: await freshDatabase(), secret })
    await using ada = await browser.person()
    const demo = await ada.open(`${own.http}/d/leaving`)
    await demo.signIn(await token({ subject: 'leaver' }))
    await demo.editable()
    await demo.becomes('saved')
    await own.kill9()
    await demo.write('not saved yet')
    await demo.page.getByTestId('people').click()
    await demo.page.getByTestId('sign-out').click()
    await until(
      'it says what is left',
      async () => (await demo.toast('signed-out').textContent())?.includes('not saved'),
      {
        timeout: 15_000,
      },
    )
    await picture(demo.page, 'signed-out-with-leftovers')
    await own.start()
    await demo.signIn(await token({ subject: 'leaver' }))
    await demo.shows('not saved yet')
    await demo.becomes('saved', 40_000)
  })
})

describe('[D3.6] [H9] somebody else signs in while edits are not saved', () => {
  test('they are asked first; the edits stay, both are told, and their owner gets them saved', async () => {
    await using ada = await browser.person()
    const demo = await ada.open(`${server.http}/d/shared-desk`)
    await demo.signIn(await token({ subject: 'desk-ada', name: 'Ada', expiresIn: soon }))
    await demo.editable()
    await demo.write('Saved. ')
    await demo.becomes('saved')
    await until('the page asks to sign in', () => demo.toast('sign-in').isVisible(), { timeout: 40_000 })
    await demo.write('Not saved.')
    await demo.becomes('error')

    await demo.page.getByTestId('toast-sign-in').click()
    await demo.signIn(await token({ subject: 'desk-ben', name: 'Ben' }))
    const question = demo.page.locator('#confirm-dialog')
    await until('Ben is asked', () => question.isVisible())
    expect(await question.textContent()).toMatch(/edits? of Ada (is|are) not saved/)
    await picture(demo.page, 'another-account')
    await demo.page.locator('#confirm-cancel').click()
    await demo.shows('Not saved.')
    await demo.becomes('error')

    await demo.signIn(await token({ subject: 'desk-ben', name: 'Ben' }))
    await until('Ben is asked again', () => question.isVisible())
    await demo.page.locator('#confirm-action').click()
    await demo.editable()
    await demo.becomes('saved')
    expect(await demo.text()).not.toContain('Not saved.')
    await until('Ben is told what Ada left', () => demo.toast('left-behind').isVisible())
    expect(await demo.toast('left-behind').textContent()).toContain('Ada')
    await demo.page.getByTestId('people').click()
    await demo.page.getByTestId('sign-out').click()
    await until('signing out says whose edits were saved, and whose were not', async () =>
      /Everything of yours was saved.*of Ada/.test((await demo.toast('signed-out').textContent()) ?? ''),
    )
    await picture(demo.page, 'signed-out-others-left')

    await demo.signIn(await token({ subject: 'desk-ada', name: 'Ada' }))
    await demo.shows('Not saved.')
    await demo.becomes('saved', 20_000)
    await demo.page.getByTestId('people').click()
    await demo.page.getByTestId('sign-out').click()
    await until('everything was saved', async () =>
      (await demo.toast('signed-out').textContent())?.includes('Everything was saved'),
    )
  })
})
