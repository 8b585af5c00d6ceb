import * as Y from 'yjs'
import type { Random } from '../../helpers/random.ts'
import type { Step } from './steps.ts'
import type { Storage } from './storage/storage.ts'

const text = 'abcdefghijklmnopqrstuvwxyz'

/** What a writer does to a document. */
export function change(doc: Y.Doc, value: string, does: Step['does'], random: Random): void {
  const list = doc.getArray<string>('list')
  const paragraphs = doc.getArray<Y.Text>('paragraphs')
  switch (does) {
    case 'overwrite':
      doc.getMap('map').set('key', value.repeat(200))
      return
    case 'delete':
      if (list.length > 0) list.delete(random.int(0, list.length - 1))
      return
    case 'begin paragraph':
      paragraphs.push([new Y.Text(value)])
      return
    case 'write in paragraph':
      if (paragraphs.length > 0) paragraphs.get(0).insert(0, value)
      return
    case 'delete paragraph':
      if (paragraphs.length > 0) paragraphs.delete(0)
      return
    default:
      list.insert(random.int(0, list.length), [does === 'write much' ? value + text.repeat(200) : value])
  }
}

/** What happens to the database as a whole. */
export function disturb(storage: Storage, does: Step['does'], number: number): void {
  const { troubles } = storage
  switch (does) {
    case 'lock table':
      troubles.lockedTables.add((['updates', 'snapshots', 'documents'] as const)[number % 3]!)
      return
    case 'lose connections':
      troubles.cut = { before: number % 7, after: number % 5, answer: number % 3 }
      return
    case 'slow':
      troubles.latency = { least: 0, most: 20 * number }
      return
    case 'read-only':
      troubles.isReadOnly = true
      return
    case 'full':
      troubles.isFull = true
      return
    case 'away':
      troubles.isAway = true
      return
    case 'well':
      troubles.heal()
      storage.release()
  }
}
