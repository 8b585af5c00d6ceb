import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { collectGarbage } from '../../../test/helpers/garbage.ts'
import { Application } from './apply.ts'
import { Memory } from './memory.ts'
import { DocumentSize } from './size.ts'

/** Some MB in many small structs of several people, as a snapshot has them. */
function largeUpdate(paragraphs: number): Uint8Array {
  const doc = new Y.Doc()
  const fragment = doc.getXmlFragment('default')
  let last: Y.XmlElement | null = null
  for (let done = 0; done < paragraphs; done += 100) {
    doc.clientID = 1_000 + ((done / 100) % 20)
    doc.transact(() => {
      for (let index = 0; index < 100; index++) {
        const paragraph = new Y.XmlElement('paragraph')
        const text = new Y.XmlText(`some words that stand in a paragraph ${done + index}`)
        paragraph.insert(0, [text])
        fragment.insertAfter(last, [paragraph])
        text.insert(5, 'more')
        text.delete(12, 3)
        last = paragraph
      }
    })
  }
  return Y.encodeStateAsUpdate(doc)
}

const thread = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

test('[R6.12] while a large document is applied, others have their turn every few ms of it', async () => {
  const bytes = largeUpdate(30_000)
  // what making it has left behind is not to be collected while it is applied
  collectGarbage()
  const target = new Y.Doc()
  let heard = 0
  target.on('update', () => heard++)
  const application = new Application(target, 'together', new DocumentSize(target, new Memory()))
  const began = thread()
  let isDone = false
  let turns = 0
  let longest = 0
  const others = (async () => {
    for (let before = thread(); !isDone; before = thread()) {
      await setImmediate()
      turns++
      longest = Math.max(longest, thread() - before)
    }
  })()
  await application.apply([{ source: 'snapshot', revision: 1, bytes, crc: null }])
  application.end()
  isDone = true
  await others
  const all = thread() - began
  expect(target.getXmlFragment('default').length).toBe(30_000)
  expect(heard, 'nobody hears of what was stored').toBe(0)
  target.getText('t').insert(0, 'an edit')
  expect(heard, 'everybody hears of what comes afterwards').toBe(1)
  expect(turns).toBeGreaterThan(10)
  // in time of this thread's CPU, so that a busy machine does not matter; a collection of garbage may come in between
  expect(longest, `of ${Math.round(all)} ms`).toBeLessThan(Math.max(100, all / 5))
})

test('[R6.12] rows of a journal, too', async () => {
  const doc = new Y.Doc()
  const rows: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => rows.push(update))
  for (let index = 0; index < 20_000; index++) doc.getText('t').insert(index % 50, 'word ')
  const target = new Y.Doc()
  const application = new Application(target, 'together', new DocumentSize(target, new Memory()))
  let turns = 0
  let isDone = false
  const others = (async () => {
    for (; !isDone; turns++) await setImmediate()
  })()
  await application.apply(rows.map((bytes, index) => ({ source: 'update', revision: index + 1, bytes, crc: null })))
  application.end()
  isDone = true
  await others
  expect(target.getText('t').toString()).toBe(doc.getText('t').toString())
  expect(turns).toBeGreaterThan(5)
})
