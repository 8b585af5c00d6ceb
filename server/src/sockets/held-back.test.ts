import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { isApplied, isHeldBack, readClaims } from './claims.ts'

/** Somebody's updates, one for each word typed, and one that deletes the first word. */
function words(clientID: number, ...typed: string[]): Uint8Array[] {
  const doc = new Y.Doc()
  doc.clientID = clientID
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const word of typed) doc.getText('text').insert(doc.getText('text').length, word)
  doc.getText('text').delete(0, typed[0]?.length ?? 0)
  return updates
}

/** What the gate asks after an update was applied. */
function judge(doc: Y.Doc, update: Uint8Array): 'applied' | 'held back' | 'neither' {
  Y.applyUpdate(doc, update)
  const claims = readClaims(update)
  if (isApplied(doc, claims)) return 'applied'
  return isHeldBack(doc, claims) ? 'held back' : 'neither'
}

test('[R1.4] only what waits for its predecessors is held back, however much else waits meanwhile', () => {
  const doc = new Y.Doc()
  const [first, second, deletion] = words(1, 'one', 'two') as [Uint8Array, Uint8Array, Uint8Array]
  const others = words(2, 'three', 'four')
  expect(judge(doc, second)).toBe('held back')
  expect(judge(doc, deletion)).toBe('held back')
  // the deletion waits all the while: what others write is journaled once, by the update that Yjs emits
  for (const update of others) expect(judge(doc, update)).toBe('applied')
  expect(judge(doc, second), 'sent again by somebody who got no answer').toBe('held back')
  expect(judge(doc, deletion)).toBe('held back')
  expect(judge(doc, first)).toBe('applied')
  expect(isApplied(doc, readClaims(deletion))).toBe(true)
})

test('[R1.7] what Yjs lost is not taken for held back because something else is', () => {
  const doc = new Y.Doc()
  const [, second] = words(1, 'one', 'two') as [Uint8Array, Uint8Array]
  Y.applyUpdate(doc, second)
  const [theirs, , deletion] = words(2, 'three', 'four') as [Uint8Array, Uint8Array, Uint8Array]
  // never applied: the document has heard nothing of it
  expect(isHeldBack(doc, readClaims(theirs))).toBe(false)
  expect(isHeldBack(doc, readClaims(deletion))).toBe(false)
})

test('[R1.4] a deletion of which only a part can be applied is held back', () => {
  const doc = new Y.Doc()
  const author = new Y.Doc()
  const updates: Uint8Array[] = []
  author.on('update', (update: Uint8Array) => updates.push(update))
  author.getText('text').insert(0, 'one')
  author.getText('text').insert(3, 'two')
  author.getText('text').delete(0, 6)
  const [one, two, deletion] = updates as [Uint8Array, Uint8Array, Uint8Array]
  expect(judge(doc, one)).toBe('applied')
  expect(judge(doc, deletion)).toBe('held back')
  expect(judge(doc, two)).toBe('applied')
  expect(doc.getText('text').toString()).toBe('')
})
