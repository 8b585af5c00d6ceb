import { differenceOf } from '@tidemark/client/set-aside'
import { describe, expect, it } from 'vitest'
import { type Piece, type Row, rowsOf } from './difference-rows.ts'

function rows(copy: string, document: string): Row[] {
  return rowsOf(differenceOf(copy.split('\n'), document.split('\n')))
}

/** With what differs in brackets. */
function marked(pieces: readonly Piece[] | null): string | null {
  return pieces?.map(({ text, changed }) => (changed ? `[${text}]` : text)).join('') ?? null
}

function shown(row: Row): unknown {
  return row.kind === 'changed' ? [marked(row.copy), marked(row.document)] : row
}

describe('[R9.5] a copy beside the document, as a person reads it', () => {
  it('a sentence that was changed stands beside what it was, with the words that differ', () => {
    expect(rows('one\nBring bread and milk.', 'one\nBring bread and butter.').map(shown)).toEqual([
      { kind: 'same', text: 'one' },
      ['Bring bread and [milk].', 'Bring bread and [butter].'],
    ])
    expect(rows('See you Monday. Never saved.', 'See you Monday.').map(shown)).toEqual([
      ['See you Monday.[ Never saved.]', 'See you Monday.'],
    ])
  })

  it('two sentences that have nothing in common are not marked word by word', () => {
    expect(rows('The old first line.', 'Written anew.').map(shown)).toEqual([['The old first line.', 'Written anew.']])
  })

  it('a line that only one side has stands beside nothing', () => {
    expect(rows('a\nb\nc', 'a\nc').map(shown)).toEqual([
      { kind: 'same', text: 'a' },
      ['b', null],
      { kind: 'same', text: 'c' },
    ])
    expect(rows('a', 'a\nb').map(shown)).toEqual([{ kind: 'same', text: 'a' }, [null, 'b']])
  })

  it('of what is the same there is as much as it takes to find the place, and how much is left out', () => {
    const before = Array.from({ length: 10 }, (_, at) => `before ${at}`).join('\n')
    const after = Array.from({ length: 10 }, (_, at) => `after ${at}`).join('\n')
    expect(rows(`${before}\nx y z\n${after}`, `${before}\nx Y z\n${after}`).map(shown)).toEqual([
      { kind: 'skipped', count: 8 },
      { kind: 'same', text: 'before 8' },
      { kind: 'same', text: 'before 9' },
      ['x [y] z', 'x [Y] z'],
      { kind: 'same', text: 'after 0' },
      { kind: 'same', text: 'after 1' },
      { kind: 'skipped', count: 8 },
    ])
    expect(rows(before, before)).toEqual([{ kind: 'skipped', count: 10 }])
  })

  it('a book against another does not fill the page', () => {
    const book = (title: string) => Array.from({ length: 5000 }, (_, at) => `${title} ${at}`).join('\n')
    const all = rows(book('Moby'), book('Dick'))
    expect(all.length).toBeLessThan(1000)
    expect(all.at(-1)).toEqual({ kind: 'more', count: 4400 })
  })
})
