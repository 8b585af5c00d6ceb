import * as Y from 'yjs'
import type { Random } from '../../helpers/random.ts'

/**
 * What two people's clients said to each other in an afternoon: updates of text, lists, maps and nested types, with
 * undoing, deleting and merging. `clients` are their Yjs client ids; what honest people's clients really sent looks the same.
 */
export function recordTraffic(random: Random, clients: readonly number[]): Uint8Array[] {
  const recorded: Uint8Array[] = []
  const people = clients.map((client) => {
    const doc = new Y.Doc()
    doc.clientID = client
    return doc
  })
  for (const doc of people) {
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'other') recorded.push(update)
    })
  }
  for (let round = 0; round < 60; round++) {
    const doc = random.pick(people)
    doc.transact(() => {
      for (let edits = random.int(1, 4); edits > 0; edits--) edit(doc, random)
    })
    if (random.next() < 0.3) exchange(people, recorded)
  }
  exchange(people, recorded)
  for (const doc of people) doc.destroy()
  return recorded
}

function edit(doc: Y.Doc, random: Random): void {
  const [text, list, map] = [doc.getText('text'), doc.getArray<unknown>('edits'), doc.getMap<unknown>('map')]
  switch (random.int(0, 8)) {
    case 0:
      text.format(0, Math.min(3, text.length), { bold: random.next() < 0.5 || null })
      return
    case 1:
      if (text.length > 4) text.delete(random.int(0, text.length - 4), random.int(1, 4))
      return
    case 2:
      text.insertEmbed(random.int(0, text.length), { image: 'a.png' })
      return
    case 3:
      list.push([{ value: random.int(0, 99) }, 'word', 1.5, null])
      return
    case 4:
      if (list.length > 2) list.delete(random.int(0, list.length - 2), 2)
      return
    case 5:
      map.set(random.pick(['a', 'b', 'c']), random.next() < 0.5 ? 'value' : new Y.Map([['inner', 1]]))
      return
    case 6:
      list.push([new Y.XmlElement('paragraph')])
      return
    default:
      text.insert(random.int(0, text.length), random.pick(['hello ', 'wörld', '😀', '\n']))
  }
}

function exchange(people: readonly Y.Doc[], recorded: Uint8Array[]): void {
  for (const one of people) {
    for (const other of people) {
      if (one === other) continue
      const missing = Y.encodeStateAsUpdate(one, Y.encodeStateVector(other))
      recorded.push(missing)
      Y.applyUpdate(other, missing, 'other')
    }
  }
}
