import type { FigureResult, Row, Target } from './figures/figure.ts'
import { median, ratio } from './statistics.ts'
import { type SystemName, systemNames } from './systems/system.ts'

export type Verdict = 'met' | 'not met' | 'not measured'

/** A row with its medians, and what they say about its target. */
export interface JudgedRow extends Row {
  readonly medians: { readonly [Name in SystemName]: number | null }
  /** Tidemark ÷ stock Hocuspocus. */
  readonly toStock: number | null
  readonly verdict: Verdict | null
}

export function judge(row: Row): JudgedRow {
  const of = (name: SystemName) => median(row.values[name] ?? [])
  const medians = { tidemark: of('tidemark'), hocuspocus: of('hocuspocus'), 'y-websocket': of('y-websocket') }
  const toStock = ratio(medians.tidemark, medians.hocuspocus)
  return { ...row, medians, toStock, verdict: row.target ? verdict(row.target, medians.tidemark, toStock) : null }
}

function verdict(target: Target, value: number | null, toStock: number | null): Verdict {
  const measured = target.kind === 'ratio' ? toStock : value
  if (measured === null) return 'not measured'
  return measured <= target.limit ? 'met' : 'not met'
}

const columns = { tidemark: 'Tidemark', hocuspocus: 'Hocuspocus', 'y-websocket': 'y-websocket' } as const

/** The figure as a Markdown table, so that a terminal and a page both show it. */
export function printFigure(result: FigureResult): string {
  const head = ['', ...systemNames.map((name) => columns[name]), 'ratio to stock', 'target', '']
  const lines = result.rows.map(judge).map((row) => [
    row.unit ? `${row.metric} (${row.unit})` : row.metric,
    ...systemNames.map((name) => number(row.medians[name])),
    // Where the figure is a count, a ratio says nothing.
    row.toStock === null || row.unit === '' ? '–' : `${row.toStock.toFixed(2)} ×`,
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

function targetText(target: Target, unit: string): string {
  return target.kind === 'ratio' ? `≤ ${target.limit} × stock` : `≤ ${target.limit} ${unit}`
}

function number(value: number | null): string {
  if (value === null) return '–'
  const size = Math.abs(value)
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en')
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3)
}
