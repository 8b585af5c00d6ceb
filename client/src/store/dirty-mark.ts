/** Which positions of one opening are pending: the dirty mark (R3.1). */
export interface DirtyMark {
  readonly from: number
  readonly to: number
}

/** A mark that cannot be read still means that something is pending: better once too often than forgotten. */
export function readDirtyMark(value: unknown): DirtyMark {
  const { from, to } = (value ?? {}) as Partial<DirtyMark>
  return Number.isInteger(from) && Number.isInteger(to) && to! >= from! ? { from: from!, to: to! } : { from: 1, to: 1 }
}

export function pendingIn(marks: Iterable<DirtyMark>): number {
  let count = 0
  for (const { from, to } of marks) count += to - from + 1
  return count
}

/** What is left of a mark once everything up to `acknowledged` is durable. */
export function remainder(mark: DirtyMark, acknowledged: number): DirtyMark | null {
  return mark.to <= acknowledged ? null : { from: Math.max(mark.from, acknowledged + 1), to: mark.to }
}
