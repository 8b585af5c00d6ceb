import { HocuspocusProvider } from '@hocuspocus/provider'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { freshDatabase, query } from '../../../test/helpers/postgres.ts'
import { pause, until } from '../../../test/helpers/until.ts'
import { LocalServer } from './testing.ts'

const messageBytes = 64 * 1024
let server: LocalServer
let url: string

beforeAll(async () => {
  const env = { TIDEMARK_LIMIT_MESSAGE_BYTES: String(messageBytes) }
  url = await freshDatabase()
  server = await LocalServer.start(url, env)
})
afterAll(async () => server[Symbol.asyncDispose]())

describe('[R6.13] a stock client whose edit cannot be taken does not come back at once, again and again', {
  timeout: 60_000,
}, () => {
  test('y-websocket, a message that is too large: it hears others meanwhile', async () => {
    const doc = new Y.Doc()
    const ada = new WebsocketProvider(server.yWebsocket, 'too large', doc, { disableBc: true })
    let openings = 0
    ada.on('status', ({ status }: { status: string }) => {
      if (status === 'connected') openings++
    })
    await until('synced', () => ada.synced)
    doc.getText('text').insert(0, 'x'.repeat(2 * messageBytes))
    await until('the server says so', () => server.log.some(({ code }) => code === 'message-too-large'))
    const ben = new HocuspocusProvider({ url: server.sync, name: 'too large', token: 'x' })
    await until('synced', () => ben.synced)
    ben.document.getMap('map').set('from', 'Ben')
    await until('Ada hears Ben', () => doc.getMap('map').get('from') === 'Ben')
    await pause(4_000)
    expect(openings).toBeLessThanOrEqual(1)
    ada.destroy()
    ben.destroy()
  })

  test('[R6.14] y-websocket, an edit that the database refuses: the others in the document write on', async () => {
    await query(
      url,
      `create function refuse_poison() returns trigger language plpgsql as $$
       begin
         if position('poison'::bytea in new.bytes) > 0 then raise exception 'poison' using errcode = '23514'; end if;
         return new;
       end $$`,
    )
    await query(
      url,
      'create trigger poison before insert on tidemark_store.updates for each row execute function refuse_poison()',
    )
    const doc = new Y.Doc()
    const ada = new WebsocketProvider(server.yWebsocket, 'poisoned', doc, { disableBc: true })
    let openings = 0
    ada.on('status', ({ status }: { status: string }) => {
      if (status === 'connected') openings++
    })
    const ben = new HocuspocusProvider({ url: server.sync, name: 'poisoned', token: 'x' })
    let resets = 0
    ben.on('close', () => resets++)
    await until('synced', () => ada.synced && ben.synced)
    doc.getText('text').insert(0, 'poison')
    const began = performance.now()
    let written = 0
    while (performance.now() - began < 8_000) {
      ben.document.getMap('map').set(`key ${written++}`, 'from Ben')
      await pause(100)
    }
    // tried at once, and after 1, 2 and 4 s more; each try costs an opening or two
    expect(openings, 'openings by the one who wrote it').toBeLessThanOrEqual(9)
    expect(resets, 'how often the others were reset').toBeLessThanOrEqual(5)
    await query(url, 'drop trigger poison on tidemark_store.updates')
    await until(
      'once the database is mended all is stored',
      () => ben.document.getText('text').toString() === 'poison',
      {
        timeout: 25_000,
      },
    )
    await until('saved', () => ben.synced && !ben.hasUnsyncedChanges, { timeout: 15_000 })
    ada.destroy()
    ben.destroy()
  })
})
