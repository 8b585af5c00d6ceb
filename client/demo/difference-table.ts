import type { Comparison } from '@tidemark/client/set-aside'
import { type Piece, type Row, rowsOf } from './difference-rows.ts'
import { element } from './dom.ts'

/** One part of the document, the copy beside what the document is now. Differences have a sign, not only a colour. */
export function differenceTable(comparison: Comparison, title: string | null): HTMLElement {
  const caption = title === null ? [] : [element('caption', {}, title)]
  return element(
    'table',
    { class: 'difference', 'data-testid': 'difference', role: 'table' },
    ...caption,
    element(
      'thead',
      { role: 'rowgroup' },
      element(
        'tr',
        { role: 'row' },
        element('th', { scope: 'col', role: 'columnheader' }, 'The copy set aside'),
        element('th', { scope: 'col', role: 'columnheader' }, 'The document now'),
      ),
    ),
    element('tbody', { role: 'rowgroup' }, ...rowsOf(comparison.difference).map(rowElement)),
  )
}

function rowElement(row: Row): HTMLElement {
  switch (row.kind) {
    case 'same':
      return tableRow('same', cell('same', row.text), cell('same again', row.text))
    case 'skipped':
      return tableRow('skipped', wideCell(row.count === 1 ? '1 line is the same' : `${row.count} lines are the same`))
    case 'more':
      return tableRow('skipped', wideCell(`${row.count} more lines are not shown here; “Copy text” has them all`))
    case 'changed':
      return tableRow('changed', changedCell('copy', row.copy), changedCell('document', row.document))
  }
}

const only = { copy: 'Only in the copy: ', document: 'Only in the document: ' } as const

function changedCell(side: 'copy' | 'document', pieces: readonly Piece[] | null): HTMLElement {
  if (pieces === null) return cell('nothing')
  const marked = pieces.map(({ text, changed }) => (changed ? element('mark', {}, text) : text))
  const isEmpty = pieces.every(({ text }) => text === '')
  return cell(
    `only only-${side}`,
    element('span', { class: 'visually-hidden' }, only[side]),
    ...(isEmpty ? [element('i', {}, 'an empty line')] : marked),
  )
}

function tableRow(kind: string, ...cells: readonly HTMLElement[]): HTMLElement {
  return element('tr', { class: `difference-${kind}`, role: 'row' }, ...cells)
}

function cell(kind: string, ...content: readonly (Node | string)[]): HTMLElement {
  return element('td', { class: kind, role: 'cell' }, ...content)
}

function wideCell(text: string): HTMLElement {
  return element('td', { colspan: '2', role: 'cell' }, text)
}
