/** @returns the candidate that `text` was probably meant to be, or `null` when none is close */
export function nearest(text: string, candidates: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = Math.max(2, Math.floor(text.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = candidate.startsWith(text) && text.length > 2 ? 1 : editDistance(text, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** @returns ` Did you mean …?`, or nothing */
export function didYouMean(text: string, candidates: Iterable<string>): string {
  const best = nearest(text, candidates)
  return best === null ? '' : ` Did you mean ${best}?`
}

/** Levenshtein's distance. */
function editDistance(from: string, to: string): number {
  // a command line may hold anything; nobody mistypes a flag into a page of text
  if (from.length > 100) return Number.POSITIVE_INFINITY
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[to.length]!
}
