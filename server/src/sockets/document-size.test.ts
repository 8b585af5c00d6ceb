import { HocuspocusProvider } from '@hocuspocus/provider'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { pause, until } from '../../../test/helpers/until.ts'
import { LocalServer } from './testing.ts'

const limit = 128 * 1024
let server: LocalServer

beforeAll(async () => {
  const env = { TIDEMARK_LIMIT_DOCUMENT_BYTES: String(limit) }
  server = await LocalServer.start(await freshDatabase(), env)
})
afterAll(async () => server[Symbol.asyncDispose]())

const filling = (share: number, letter = 'x') => letter.repeat(Math.round(limit * share))
const refusals = (name: string) =>
  server.log.filter(({ code, document }) => code === 'document-too-large' && document === name).length

async function open(name: string): Promise<HocuspocusProvider> {
  const provider = new HocuspocusProvider({ url: server.sync, name, token: 'x' })
  await until('synced', () => provider.synced)
  return provider
}

const saved = (provider: HocuspocusProvider) =>
  until('saved', () => provider.synced && !provider.hasUnsyncedChanges, { timeout: 15_000 })

async function storedText(name: string): Promise<string> {
  const reader = await open(name)
  const text = reader.document.getText('text').toString()
  reader.destroy()
  return text
}

describe('[R8.4] [R8.5] a document at its largest size', { timeout: 60_000 }, () => {
  test('that only overwrites one key is never refused', async () => {
    const ada = await open('one key')
    ada.document.getText('text').insert(0, filling(0.55))
    for (let index = 0; index < 60; index++) {
      ada.document.getMap('map').set('key', `${index}${filling(0.15)}`)
      await saved(ada)
    }
    expect(refusals('one key')).toBe(0)
    ada.destroy()
  })

  test('[R5.9] HocuspocusProvider: removing something makes room for what was refused, with no reload', async () => {
    const name = 'stock'
    const ada = await open(name)
    const text = ada.document.getText('text')
    text.insert(0, filling(0.9))
    await saved(ada)
    text.insert(text.length, `refused ${filling(0.2, 'r')}`)
    await until('it is refused', () => refusals(name) > 0)
    text.insert(text.length, ' and what was typed behind it')
    await pause(300)
    expect(ada.hasUnsyncedChanges, 'what stands on a refused edit is not saved').toBe(true)
    text.delete(0, limit / 2)
    await until('others have it', async () => (await storedText(name)) === text.toString(), { timeout: 15_000 })
    await saved(ada)
    text.insert(0, 'editing goes on ')
    await saved(ada)
    expect(await storedText(name)).toBe(text.toString())
    ada.destroy()
  })

  test('y-websocket: taking back what was refused is enough', async () => {
    const name = 'taken back'
    const doc = new Y.Doc()
    const text = doc.getText('text')
    const ben = new WebsocketProvider(server.yWebsocket, name, doc, { disableBc: true })
    await until('synced', () => ben.synced)
    text.insert(0, filling(0.9))
    const start = text.length
    text.insert(start, filling(0.3, 'r'))
    await until('it is refused', () => refusals(name) > 0)
    text.delete(start, text.length - start)
    text.insert(0, 'small ')
    await until('others have it', async () => (await storedText(name)) === text.toString(), { timeout: 15_000 })
    ben.destroy()
  })

  test('what another person removes makes room, too', async () => {
    const name = 'two people'
    const [ada, ben] = [await open(name), await open(name)]
    const heard = () => ben.document.getText('text').toString()
    ada.document.getText('text').insert(0, filling(0.9))
    await until('Ben has it', () => heard().length > limit * 0.8)
    ada.document.getText('text').insert(0, filling(0.3, 'r'))
    await until('it is refused', () => refusals(name) > 0)
    ben.document.getText('text').delete(0, limit / 2)
    await until('Ben gets what was refused', () => heard().includes('rrr'), { timeout: 15_000 })
    ada.destroy()
    ben.destroy()
  })
})
