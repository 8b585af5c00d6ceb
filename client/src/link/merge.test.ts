import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { mergeInGroups } from './merge.ts'

function updatesOf(count: number): Uint8Array[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (let number = 0; number < count; number++) {
    if (number % 3) doc.getMap('map').set(`key ${number % 100}`, { number })
    else doc.getText('text').insert(number % 7 ? 0 : doc.getText('text').length, 'x')
  }
  return updates
}

test.each([1, 2, 50, 51, 2_600])('[D3.8] %i updates merge to the same bytes as all at once', (count) => {
  const updates = updatesOf(count)
  expect(mergeInGroups(updates)).toEqual(Y.mergeUpdates(updates))
})

test('[D3.8] two of three, with holes: what is missing stays missing', () => {
  const updates = updatesOf(300).filter((_update, index) => index % 3 !== 1)
  expect(mergeInGroups(updates)).toEqual(Y.mergeUpdates(updates))
})

test('[D3.8] ten thousand updates merge faster than somebody notices', () => {
  const updates = updatesOf(10_000)
  const start = performance.now()
  mergeInGroups(updates)
  // all at once: 4 to 6 s
  expect(performance.now() - start).toBeLessThan(1_500)
})
