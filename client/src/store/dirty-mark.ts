/** Which positions of one opening are pending: the dirty mark (R3.1). */
export interface DirtyMark {
  readonly from: number
  readonly to: number
  /** On whose behalf they were made (D3.6): a token's subject; absent where no token said so. */
  readonly account?: string
}

/** A mark that cannot be read still means that something is pending: better once too often than forgotten. */
export function readDirtyMark(value: unknown): DirtyMark {
  const { from, to, account } = (value ?? {}) as Partial<DirtyMark>
  const range =
    Number.isInteger(from) && Number.isInteger(to) && to! >= from! ? { from: from!, to: to! } : { from: 1, to: 1 }
  return ofAccount(range, typeof account === 'string' ? account : null)
}

export function ofAccount(mark: DirtyMark, account: string | null): DirtyMark {
  return account === null ? mark : { ...mark, account }
}

export function pendingIn(marks: Iterable<DirtyMark>): number {
  let count = 0
  for (const { from, to } of marks) count += to - from + 1
  return count
}

/** What is left of a mark once everything up to `acknowledged` is durable. */
export function remainder(mark: DirtyMark, acknowledged: number): DirtyMark | null {
  return mark.to <= acknowledged ? null : { ...mark, from: Math.max(mark.from, acknowledged + 1) }
}

/** What both stand for; on behalf of whom the first one says. */
export function spanning(mark: DirtyMark, { from, to }: DirtyMark): DirtyMark {
  return { ...mark, from: Math.min(mark.from, from), to: Math.max(mark.to, to) }
}

/** Is a copy of this account: something of it is pending there, or nothing of others, and nobody else had it last? */
export function isOwned(
  marks: Iterable<DirtyMark>,
  owner: string | null,
  isOurs: (account: string) => boolean,
): boolean {
  const made = [...marks].map((mark) => mark.account ?? owner).filter((account) => account !== null)
  return made.length > 0 ? made.some(isOurs) : owner === null || isOurs(owner)
}

/** Is something pending that was made on behalf of somebody else? @param owner of what no mark says whose it is */
export function isForeign(marks: Iterable<DirtyMark>, owner: string | null, account: string): boolean {
  for (const mark of marks) {
    const made = mark.account ?? owner
    if (made !== null && made !== account) return true
  }
  return false
}
