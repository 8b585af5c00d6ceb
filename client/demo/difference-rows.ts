import { differenceOf, type Run } from '@tidemark/client/set-aside'

/** A piece of a line; `changed` when the other side has something else there. */
export type Piece = { readonly text: string; readonly changed: boolean }

export type Row =
  | { readonly kind: 'same'; readonly text: string }
  /** Lines in between that are the same and not shown. */
  | { readonly kind: 'skipped'; readonly count: number }
  /** null: this side has no such line. */
  | { readonly kind: 'changed'; readonly copy: readonly Piece[] | null; readonly document: readonly Piece[] | null }
  /** More differences than a person would read here. */
  | { readonly kind: 'more'; readonly count: number }

/** So many lines that are the same are shown around each difference. */
const context = 2
const mostRows = 600
/** Lines longer than this are not looked through for the words that differ. */
const longestLine = 5000

/** Two texts side by side, row for row: what differs, a little around it, and how much is left out. */
export function rowsOf(difference: readonly Run[]): Row[] {
  const rows = difference.flatMap((run, at): Row[] => {
    if (run.of === 'both') return sameRows(run.parts, at > 0, at < difference.length - 1)
    if (run.of === 'copy') return changedRows(run.parts, linesOf(difference[at + 1], 'document'))
    return difference[at - 1]?.of === 'copy' ? [] : changedRows([], run.parts)
  })
  if (rows.length <= mostRows) return rows
  return [...rows.slice(0, mostRows), { kind: 'more', count: rows.length - mostRows }]
}

function linesOf(run: Run | undefined, of: Run['of']): readonly string[] {
  return run?.of === of ? run.parts : []
}

function sameRows(lines: readonly string[], isAfterChange: boolean, isBeforeChange: boolean): Row[] {
  const same = (text: string): Row => ({ kind: 'same', text })
  const head = isAfterChange ? context : 0
  const tail = isBeforeChange ? context : 0
  const skipped = lines.length - head - tail
  if (skipped < 3 && (isAfterChange || isBeforeChange)) return lines.map(same)
  return [
    ...lines.slice(0, head).map(same),
    ...(skipped > 0 ? [{ kind: 'skipped', count: skipped } as const] : []),
    ...lines.slice(lines.length - tail).map(same),
  ]
}

function changedRows(copy: readonly string[], document: readonly string[]): Row[] {
  return Array.from({ length: Math.max(copy.length, document.length) }, (_, at): Row => {
    const [one, other] = [copy[at], document[at]]
    if (one === undefined || other === undefined) return { kind: 'changed', copy: whole(one), document: whole(other) }
    return { kind: 'changed', ...piecesOf(one, other) }
  })
}

function whole(line: string | undefined): readonly Piece[] | null {
  return line === undefined ? null : [{ text: line, changed: false }]
}

function piecesOf(copy: string, document: string): { copy: readonly Piece[]; document: readonly Piece[] } {
  const apart = { copy: [{ text: copy, changed: false }], document: [{ text: document, changed: false }] }
  if (copy.length > longestLine || document.length > longestLine) return apart
  const runs = atWordEdges(differenceOf(words(copy), words(document)))
  const common = runs.filter(({ of }) => of === 'both').flatMap(({ parts }) => parts)
  // two sentences that have hardly a word in common are read more easily without marks
  if (common.join('').trim().length * 3 < Math.max(copy.length, document.length)) return apart
  const side = (of: 'copy' | 'document') =>
    runs
      .filter((run) => run.of === 'both' || run.of === of)
      .filter(({ parts }) => parts.length > 0)
      .map((run) => ({ text: run.parts.join(''), changed: run.of === of }))
  return { copy: side('copy'), document: side('document') }
}

/**
 * Of "Monday. Never saved." and "Monday." as much differs by ". Never saved" as by " Never saved."; a person means the
 * latter. So what one side has more begins with a space where it can.
 */
function atWordEdges(runs: readonly Run[]): Run[] {
  const moved = runs.map(({ of, parts }) => ({ of, parts: [...parts] }))
  for (const [at, run] of moved.entries()) {
    const [before, after] = [moved[at - 1], moved[at + 1]]
    if (run.of === 'both' || before?.of !== 'both' || after?.of !== 'both') continue
    const steps = run.parts.findIndex((part) => /^\s/.test(part))
    if (steps < 1 || run.parts.slice(0, steps).some((part, index) => part !== after.parts[index])) continue
    const head = run.parts.splice(0, steps)
    before.parts.push(...head)
    run.parts.push(...after.parts.splice(0, steps))
  }
  return moved
}

function words(line: string): string[] {
  return line.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? []
}
