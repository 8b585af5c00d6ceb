import { getSchema } from '@tiptap/core'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { contentExtensions, fragmentName } from './editor.ts'
import { watchForeignContent } from './foreign-content.ts'

function document(paragraphs: number) {
  const doc = new Y.Doc()
  const fragment = doc.getXmlFragment(fragmentName)
  fragment.insert(
    0,
    Array.from({ length: paragraphs }, () => {
      const paragraph = new Y.XmlElement('paragraph')
      paragraph.insert(0, [new Y.XmlText('some words')])
      return paragraph
    }),
  )
  const texts = fragment.toArray().map((paragraph) => (paragraph as Y.XmlElement).get(0) as Y.XmlText)
  let foreign = 0
  const watch = watchForeignContent(fragment, getSchema([...contentExtensions]), () => {
    foreign += 1
  })
  return { doc, fragment, texts, watch, foreign: () => foreign }
}

describe('what this editor cannot show', () => {
  test('a change of every paragraph at once costs no transaction each: Yjs cleans them up recursively', () => {
    const { doc, texts, foreign } = document(5_000)
    let transactions = 0
    doc.on('afterTransactionCleanup', () => {
      transactions += 1
    })
    doc.transact(() => {
      for (const text of texts) text.format(0, text.length, { bold: true })
    })
    expect(transactions).toBeLessThanOrEqual(2)
    expect(foreign()).toBe(0)
    // the document is alive
    let updates = 0
    doc.on('update', () => {
      updates += 1
    })
    texts[0]?.insert(0, 'and ')
    expect(updates).toBe(1)
  })

  test('is noticed in the change that brings it: a node, a mark, something embedded', () => {
    for (const bring of [
      (fragment: Y.XmlFragment) => fragment.insert(0, [new Y.XmlElement('spreadsheet')]),
      (_: Y.XmlFragment, text: Y.XmlText) => text.format(0, 4, { glow: {} }),
      (_: Y.XmlFragment, text: Y.XmlText) => text.insertEmbed(0, { picture: 'x' }),
    ]) {
      const { fragment, texts, foreign } = document(2)
      bring(fragment, texts[1] as Y.XmlText)
      expect(foreign()).toBe(1)
    }
  })

  /** Quotes within quotes. */
  const nested = (fragment: Y.XmlFragment, depth: number) =>
    fragment.doc!.transact(() => {
      let place: Y.XmlFragment = fragment
      for (let level = 0; level < depth; level++) {
        const quote = new Y.XmlElement('blockquote')
        place.insert(0, [quote])
        place = quote
      }
    })

  test('is also what nests too deep to be shown, brought at once or bit by bit, or there from the beginning', () => {
    for (const [depth, times] of [
      [400, 0],
      [30_000, 1],
    ] as const) {
      const { doc, fragment, foreign } = document(1)
      const far = new Y.Doc()
      nested(far.getXmlFragment(fragmentName), depth)
      Y.applyUpdate(doc, Y.encodeStateAsUpdate(far))
      expect(foreign()).toBe(times)
      const found = watchForeignContent(fragment, getSchema([...contentExtensions]), () => {})
      expect(found.found).toBe(times > 0)
    }
    const { fragment, foreign } = document(1)
    let place: Y.XmlFragment = fragment
    for (let level = 0; level < 600 && foreign() === 0; level++) {
      const quote = new Y.XmlElement('blockquote')
      place.insert(0, [quote])
      place = quote
    }
    expect(foreign()).toBe(1)
  })

  test('is noticed when it is there from the beginning; afterwards nobody listens any more', () => {
    const { fragment, watch, foreign } = document(1)
    expect(watch.found).toBe(false)
    watch.close()
    fragment.insert(0, [new Y.XmlElement('spreadsheet')])
    expect(foreign()).toBe(0)
    const again = watchForeignContent(fragment, getSchema([...contentExtensions]), () => {})
    expect(again.found).toBe(true)
    again.close()
  })
})
