import type { FigureResult, Row, Target } from './figures/figure.ts'
import { median, ratio } from './statistics.ts'
import { type SystemName, systemNames } from './systems/system.ts'

export type Verdict = 'met' | 'not met' | 'not measured'

/** A row with its medians, and what they say about its target. */
export interface JudgedRow extends Row {
  readonly medians: { readonly [Name in SystemName]: number | null }
  /** Tidemark ÷ stock Hocuspocus. */
  readonly toStock: number | null
  /** Tidemark ÷ Tidemark before. */
  readonly toBefore: number | null
  readonly verdict: Verdict | null
}

export function judge(row: Row): JudgedRow {
  const of = (name: SystemName) => median(row.values[name] ?? [])
  const [tidemark, before, hocuspocus] = [of('tidemark'), of('before'), of('hocuspocus')]
  const medians = { tidemark, before, hocuspocus, 'y-websocket': of('y-websocket') }
  const toStock = ratio(tidemark, hocuspocus)
  const toBefore = ratio(tidemark, before)
  return {
    ...row,
    medians,
    toStock,
    toBefore,
    verdict: row.target ? verdict(row.target, medians.tidemark, toStock) : null,
  }
}

function verdict(target: Target, value: number | null, toStock: number | null): Verdict {
  const measured = target.kind === 'ratio' ? toStock : value
  if (measured === null) return 'not measured'
  return measured <= target.limit ? 'met' : 'not met'
}

const columns = {
  tidemark: 'Tidemark',
  before: 'before',
  hocuspocus: 'Hocuspocus',
  'y-websocket': 'y-websocket',
} as const

/** The figure as a Markdown table, so that a terminal and a page both show it. */
export function printFigure(result: FigureResult): string {
  const rows = result.rows.map(judge)
  const hasBefore = rows.some(({ medians }) => medians.before !== null)
  const names = systemNames.filter((name) => name !== 'before' || hasBefore)
  const head = [
    '',
    ...names.map((name) => columns[name]),
    ...(hasBefore ? ['ratio to before'] : []),
    'ratio to stock',
    'target',
    '',
  ]
  const lines = rows.map((row) => [
    row.unit ? `${row.metric} (${row.unit})` : row.metric,
    ...names.map((name) => number(row.medians[name])),
    ...(hasBefore ? [ratioText(row.toBefore, row)] : []),
    ratioText(row.toStock, row),
    row.target ? targetText(row.target, row.unit) : '',
    row.verdict ?? '',
  ])
  const widths = head.map((cell, column) =>
    Math.max(...[head, ...lines].map((line) => line[column]!.length), cell.length),
  )
  const draw = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  const notes = result.notes.map((note) => `- ${note}`)
  return [
    `## ${result.title}`,
    result.ran,
    '',
    draw(head),
    rule,
    ...lines.map(draw),
    ...(notes.length ? ['', ...notes] : []),
    '',
  ].join('\n')
}

/** Where the figure is a count, a ratio says nothing. */
const ratioText = (value: number | null, { unit }: Row): string =>
  value === null || unit === '' ? '–' : `${value.toFixed(2)} ×`

function targetText(target: Target, unit: string): string {
  return target.kind === 'ratio' ? `≤ ${target.limit} × stock` : `≤ ${target.limit} ${unit}`
}

function number(value: number | null): string {
  if (value === null) return '–'
  const size = Math.abs(value)
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en')
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3)
}
