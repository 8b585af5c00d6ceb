import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { someNews } from './news.ts'

test.each([2, 500])('what a transaction brought is found, and nothing else, among %d clients', (clients) => {
  const document = new Y.Doc()
  for (let client = 0; client < clients; client++) {
    const author = new Y.Doc()
    author.getText('text').insert(0, 'old')
    Y.applyUpdate(document, Y.encodeStateAsUpdate(author))
  }
  const author = new Y.Doc()
  Y.applyUpdate(author, Y.encodeStateAsUpdate(document))
  author.getText('text').insert(0, 'new')
  let isAsked = 0
  document.on('afterTransaction', (transaction: Y.Transaction) => {
    const isNew = ({ id }: { id: Y.ID }) => id.client === author.clientID
    isAsked++
    expect(someNews(transaction, isNew)).toBe(true)
    expect(someNews(transaction, (struct) => !isNew(struct))).toBe(false)
  })
  Y.applyUpdate(document, Y.encodeStateAsUpdate(author))
  expect(isAsked).toBe(1)
})
