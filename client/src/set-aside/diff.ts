/** A run of parts that both have, or that only one of the two has. */
export interface Run {
  readonly of: 'both' | 'copy' | 'document'
  readonly parts: readonly string[]
}

/** Beyond so many differences the texts have little in common, and looking for the best difference costs too much. */
const mostDifferences = 1500

/**
 * The shortest way from one list of parts (lines, words) to the other; Myers' algorithm, O((n + m) · differences).
 * Where more than 1500 parts differ, everything between the common beginning and the common end counts as different.
 * What only the copy has comes before what only the document has.
 */
export function differenceOf(copy: readonly string[], document: readonly string[]): Run[] {
  let begin = 0
  while (begin < copy.length && begin < document.length && copy[begin] === document[begin]) begin += 1
  let end = 0
  while (
    end < copy.length - begin &&
    end < document.length - begin &&
    copy[copy.length - 1 - end] === document[document.length - 1 - end]
  ) {
    end += 1
  }
  const middleOfCopy = copy.slice(begin, copy.length - end)
  const middleOfDocument = document.slice(begin, document.length - end)
  return tidy([
    { of: 'both', parts: copy.slice(0, begin) },
    ...(shortest(middleOfCopy, middleOfDocument) ?? [
      { of: 'copy', parts: middleOfCopy },
      { of: 'document', parts: middleOfDocument },
    ]),
    { of: 'both', parts: copy.slice(copy.length - end) },
  ])
}

/** @returns null when there are too many differences */
function shortest(a: readonly string[], b: readonly string[]): Run[] | null {
  const most = Math.min(a.length + b.length, mostDifferences)
  // furthest[k + offset]: how far in `a` a path of so many differences gets on diagonal k (= place in a − place in b)
  const offset = most + 1
  const furthest = new Int32Array(2 * most + 3)
  const trace: Int32Array[] = []
  for (let differences = 0; differences <= most; differences += 1) {
    trace.push(furthest.slice(offset - differences - 1, offset + differences + 2))
    for (let k = -differences; k <= differences; k += 2) {
      let x = isDown(furthest, offset, k, differences) ? furthest[offset + k + 1]! : furthest[offset + k - 1]! + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1
      furthest[offset + k] = x
      if (x >= a.length && x - k >= b.length) return backwards(a, b, trace)
    }
  }
  return null
}

function isDown(furthest: Int32Array, offset: number, k: number, differences: number): boolean {
  return k === -differences || (k !== differences && furthest[offset + k - 1]! < furthest[offset + k + 1]!)
}

function backwards(a: readonly string[], b: readonly string[], trace: readonly Int32Array[]): Run[] {
  const runs: Run[] = []
  let x = a.length
  let y = b.length
  for (let differences = trace.length - 1; differences >= 0; differences -= 1) {
    const furthest = trace[differences]!
    const offset = differences + 1
    const k = x - y
    const down = isDown(furthest, offset, k, differences)
    const beforeX = differences === 0 ? 0 : furthest[offset + (down ? k + 1 : k - 1)]!
    const beforeY = differences === 0 ? 0 : beforeX - (down ? k + 1 : k - 1)
    const afterX = differences === 0 ? 0 : down ? beforeX : beforeX + 1
    runs.push({ of: 'both', parts: a.slice(afterX, x) })
    if (differences > 0) {
      runs.push(down ? { of: 'document', parts: [b[beforeY]!] } : { of: 'copy', parts: [a[beforeX]!] })
    }
    x = beforeX
    y = beforeY
  }
  return runs.reverse()
}

/** Joins neighbours, and puts the copy's before the document's within each stretch of differences. */
function tidy(runs: readonly Run[]): Run[] {
  const tidied: Run[] = []
  let copy: string[] = []
  let document: string[] = []
  let both: string[] = []
  const end = (stretch: 'same' | 'different') => {
    if (stretch === 'same') {
      if (both.length > 0) tidied.push({ of: 'both', parts: both })
      both = []
      return
    }
    if (copy.length > 0) tidied.push({ of: 'copy', parts: copy })
    if (document.length > 0) tidied.push({ of: 'document', parts: document })
    copy = []
    document = []
  }
  for (const run of runs) {
    if (run.parts.length === 0) continue
    end(run.of === 'both' ? 'different' : 'same')
    const into = run.of === 'both' ? both : run.of === 'copy' ? copy : document
    for (const part of run.parts) into.push(part)
  }
  end('same')
  end('different')
  return tidied
}
