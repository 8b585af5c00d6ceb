import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { compareDocs, copyText, mergeCopy, mergedText, sharesHistory } from './index.ts'

/** A copy as `client.readSetAside` gives it: nobody has said what its types are. */
function asRead(doc: Y.Doc): Y.Doc {
  const read = new Y.Doc()
  Y.applyUpdate(read, Y.encodeStateAsUpdate(doc))
  return read
}

function textDoc(text: string): Y.Doc {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, text)
  return doc
}

function paragraph(text: string, attributes: object = {}): Y.XmlElement {
  const element = new Y.XmlElement('paragraph')
  const words = new Y.XmlText()
  words.insert(0, text, attributes)
  element.insert(0, [words])
  return element
}

describe('[R9.5] a copy that was set aside is compared with the document', () => {
  it('each type is found by what is in it, and nobody had to say what it is', () => {
    const copy = new Y.Doc()
    copy.getText('notes').insert(0, 'milk\nbread')
    copy.getMap('settings').set('b', { z: 1, a: [true] })
    copy.getMap('settings').set('a', 1)
    copy.getArray('list').push(['one', new Y.Map([['k', 'v']])])
    copy.getXmlFragment('page').push([paragraph('Hello'), paragraph('you')])
    const document = new Y.Doc()
    document.getText('notes').insert(0, 'milk\nbutter')
    const found = compareDocs(asRead(copy), asRead(document))
    expect(found.map(({ name, kind, same }) => [name, kind, same])).toEqual([
      ['list', 'array', false],
      ['notes', 'text', false],
      ['page', 'xml', false],
      ['settings', 'map', false],
    ])
    const of = (name: string) => found.find((each) => each.name === name)
    expect(of('notes')?.difference).toEqual([
      { of: 'both', parts: ['milk'] },
      { of: 'copy', parts: ['bread'] },
      { of: 'document', parts: ['butter'] },
    ])
    expect(of('page')).toMatchObject({ copy: 'Hello\nyou', document: '' })
    expect(JSON.parse(of('settings')?.copy ?? '')).toEqual({ a: 1, b: { a: [true], z: 1 } })
    expect(JSON.parse(of('list')?.copy ?? '')).toEqual(['one', { k: 'v' }])
  })

  it('to compare asks no document for a type: the app may still say what it is', () => {
    const [copy, document] = [asRead(textDoc('a')), asRead(textDoc('b'))]
    const before = [copy, document].map((doc) => Y.encodeStateAsUpdate(doc))
    compareDocs(copy, document)
    copyText(copy)
    mergedText(copy, document)
    expect([copy, document].map((doc) => Y.encodeStateAsUpdate(doc))).toEqual(before)
    for (const doc of [copy, document]) expect(doc.getArray('text').length).toBe(1)
  })

  it('the same words in another format are not the same content', () => {
    const plain = new Y.Doc()
    plain.getXmlFragment('page').push([paragraph('Hello')])
    const bold = new Y.Doc()
    bold.getXmlFragment('page').push([paragraph('Hello', { bold: true })])
    const [comparison] = compareDocs(plain, bold)
    expect(comparison).toMatchObject({ copy: 'Hello', document: 'Hello', same: false })
    expect(compareDocs(plain, asRead(plain))).toMatchObject([{ same: true }])
  })

  it('text has a line for each block, breaks and things without text included', () => {
    const doc = new Y.Doc()
    const broken = new Y.XmlElement('paragraph')
    broken.push([new Y.XmlText('first'), new Y.XmlElement('hardBreak'), new Y.XmlText('second')])
    const item = new Y.XmlElement('listItem')
    item.push([paragraph('point')])
    const list = new Y.XmlElement('bulletList')
    list.push([item])
    doc.getXmlFragment('page').push([broken, new Y.XmlElement('paragraph'), new Y.XmlElement('image'), list])
    expect(copyText(doc)).toBe('first\nsecond\n\n[image]\npoint')
  })

  it('keys that were written in another order, bytes and big numbers are compared by what they are', () => {
    const one = new Y.Doc()
    one.getMap('map').set('a', { x: 1, y: new Uint8Array([1, 2]) })
    one.getMap('map').set('b', 12n)
    const other = new Y.Doc()
    other.getMap('map').set('b', 12n)
    other.getMap('map').set('a', { y: new Uint8Array([1, 2]), x: 1 })
    expect(compareDocs(one, other)).toMatchObject([{ kind: 'map', same: true }])
    other.getMap('map').set('a', { y: new Uint8Array([1, 3]), x: 1 })
    expect(compareDocs(one, other)).toMatchObject([{ same: false }])
  })
})

describe('[R9.5] a copy that was set aside is merged on purpose', () => {
  it('with a history of its own both versions stand in the text, as the preview said', () => {
    const [copy, document] = [textDoc('mine'), textDoc('theirs')]
    expect(sharesHistory(copy, document)).toBe(false)
    const preview = mergedText(copy, document)
    expect(document.getText('text').toString()).toBe('theirs')
    mergeCopy(asRead(copy), document)
    expect(document.getText('text').toString()).toBe(preview)
    expect([...preview].sort()).toEqual([...'minetheirs'].sort())
    expect(['minetheirs', 'theirsmine']).toContain(preview)
  })

  it('with a shared history what the copy has more is added, and nothing doubles', () => {
    const copy = textDoc('shared. ')
    const document = asRead(copy)
    copy.getText('text').insert(8, 'refused')
    document.getText('text').insert(0, 'Meanwhile: ')
    expect(sharesHistory(copy, document)).toBe(true)
    mergeCopy(copy, document)
    expect(document.getText('text').toString()).toBe('Meanwhile: shared. refused')
  })

  it('merging tells the document’s own listeners one edit, which is nobody’s but the person’s', () => {
    const document = textDoc('theirs')
    const origins: unknown[] = []
    document.on('update', (_update: Uint8Array, origin: unknown) => origins.push(origin))
    mergeCopy(textDoc('mine'), document)
    expect(origins).toEqual([null])
  })

  it('an empty copy is merged into nothing, and copied as nothing', () => {
    expect(copyText(new Y.Doc())).toBe('')
    expect(compareDocs(new Y.Doc(), new Y.Doc())).toEqual([])
    const document = textDoc('theirs')
    expect(mergedText(new Y.Doc(), document)).toBe('theirs')
    expect(sharesHistory(new Y.Doc(), document)).toBe(true)
  })
})
