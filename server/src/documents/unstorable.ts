import type { Claims } from '../sockets/claims.ts'

type Edit = Pick<Claims, 'begins' | 'ends' | 'deletions'>
interface Range {
  readonly clock: number
  readonly len: number
}

/** What could not be stored of one Yjs client, or of nobody in particular where something was only deleted. */
interface Held {
  /** For each Yjs client, where the structs begin; everything behind waits. */
  readonly from: Map<number, number>
  /** In the order of their clocks, and none touches another, once all is noted. */
  readonly deletions: Map<number, readonly Range[]>
  since: number
  /** In ms, without what it waits for others. */
  delay: number
  wait: number
}

/** How long what could not be stored is not tried again, in ms: doubled each time. */
const firstDelay = 1_000
const longestDelay = 300_000
/** Between the next tries of several writers, in ms, so that one who is not at fault is tried alone. */
const apart = 500
const largestCount = 1_000
/** Of the deletions of one writer; what is beyond is tried again a little too soon. */
const mostRanges = 10_000

/**
 * Edits that the database refused for good (`document-write-failed`). Their writers still hold them and send them again
 * as soon as they are back, and each time the document would have to leave memory under everybody else. So they are
 * refused at the gate, and let through once in a while, ever more seldom: what was wrong may have been mended (R6.14).
 */
export class Unstorable {
  readonly #held = new Map<string, Map<number | null, Held>>()

  /**
   * These edits of a document cannot be stored, or stood beside such a one.
   * @param now Unix time in ms
   */
  failed(name: string, edits: readonly Edit[], now: number): void {
    const before = this.#held.get(name)
    const held = new Map<number | null, Held>()
    for (const edit of edits) note(held, edit, now)
    for (const { deletions } of held.values())
      for (const [client, ranges] of deletions) deletions.set(client, inOrder(ranges))
    let count = 0
    for (const [client, entry] of held) {
      const earlier = before?.get(client)
      if (earlier && isOf(earlier, entry)) entry.delay = Math.min(longestDelay, 2 * earlier.delay)
      entry.wait = entry.delay + apart * count++
    }
    // those that were not tried this time wait as before
    for (const [client, entry] of before ?? []) {
      if (!held.has(client) && now - entry.since < entry.wait + longestDelay) held.set(client, entry)
    }
    this.#held.delete(name)
    if (held.size > 0) this.#held.set(name, held)
    // the oldest goes: it is tried again a little too soon
    for (const [oldest] of this.#held.size > largestCount ? this.#held : []) {
      this.#held.delete(oldest)
      break
    }
  }

  /**
   * When an edit may be tried again, in Unix time in ms; null when nothing is known against it.
   * @param now Unix time in ms
   */
  heldUntil(name: string, edit: Omit<Edit, 'begins'>, now: number): number | null {
    let until: number | null = null
    for (const entry of this.#held.get(name)?.values() ?? []) {
      const waited = now - entry.since
      // a clock that was set back says nothing of how long that was
      if (waited < 0 || waited >= entry.wait || !carries(edit, entry)) continue
      until = Math.max(until ?? 0, entry.since + entry.wait)
    }
    return until
  }
}

function note(held: Map<number | null, Held>, { begins, deletions }: Edit, now: number): void {
  const [writer = null] = begins.keys()
  const of = (client: number | null): Held => {
    const entry = held.get(client) ?? { from: new Map(), deletions: new Map(), since: now, delay: firstDelay, wait: 0 }
    held.set(client, entry)
    return entry
  }
  for (const [client, clock] of begins) {
    const { from } = of(client)
    from.set(client, Math.min(clock, from.get(client) ?? clock))
  }
  for (const [client, ranges] of deletions.clients) {
    const all = of(writer).deletions
    const noted = (all.get(client) ?? []) as Range[]
    all.set(client, noted)
    for (const range of ranges) if (noted.length < mostRanges) noted.push(range)
  }
}

/** Whether what failed now failed before, and nothing of it was stored meanwhile. */
function isOf(earlier: Held, now: Held): boolean {
  for (const [client, clock] of now.from) {
    const before = earlier.from.get(client)
    if (before !== undefined && clock <= before) return true
  }
  return now.from.size === 0 && overlap(earlier.deletions, now.deletions)
}

function carries({ ends, deletions }: Omit<Edit, 'begins'>, held: Held): boolean {
  for (const [client, clock] of held.from) if ((ends.get(client) ?? 0) > clock) return true
  return overlap(held.deletions, deletions.clients)
}

function inOrder(ranges: readonly Range[]): Range[] {
  const joined: { clock: number; len: number }[] = []
  for (const { clock, len } of [...ranges].sort((one, other) => one.clock - other.clock)) {
    const last = joined.at(-1)
    if (last && clock <= last.clock + last.len) last.len = Math.max(last.len, clock + len - last.clock)
    else joined.push({ clock, len })
  }
  return joined
}

type Ranges = ReadonlyMap<number, readonly Range[]>

/** Whether something is in both. `held` is in order, so that it costs little however much each of them deletes. */
function overlap(held: Ranges, others: Ranges): boolean {
  for (const [client, ranges] of held) {
    for (const { clock, len } of others.get(client) ?? []) {
      const next = ranges[firstThatEndsBehind(ranges, clock)]
      if (next && next.clock < clock + len) return true
    }
  }
  return false
}

function firstThatEndsBehind(ranges: readonly Range[], clock: number): number {
  let [from, to] = [0, ranges.length]
  while (from < to) {
    const middle = (from + to) >> 1
    const { clock: start, len } = ranges[middle] as Range
    if (start + len > clock) to = middle
    else from = middle + 1
  }
  return from
}
