import { type DirtyMark, ofAccount, pendingIn, readDirtyMark, remainder, spanning } from './dirty-mark.ts'
import type { Acknowledged, History, SetAside } from './local-store.ts'
import type { Seals } from './seals.ts'

/** What stands beside the rows, in y-indexeddb's `custom` store, under names that no app will use for its own. */
const dirtyPrefix = 'tidemark:dirty:'
const quarantinePrefix = 'tidemark:quarantine:'
/** Beside each row of the quarantine that may hold pending edits: nobody can say which (R3.11). */
const unreadPrefix = 'tidemark:unread:'
export const historyKey = 'tidemark:history'
export const accountKey = 'tidemark:account'
export const setAsideKey = 'tidemark:set-aside'
export const copyKey = 'tidemark:copy'
/** The person who had this copy has signed out; whatever is in it is not to be shown (R3.10). */
export const wipedKey = 'tidemark:wiped'
export const keyCheckKey = 'tidemark:key-check'

/** Each opening has its own mark, so that two tabs do not clear each other's. */
export const dirtyKey = (opening: string): string => dirtyPrefix + opening
export const quarantineKey = (row: IDBValidKey): string => quarantinePrefix + String(row)
export const isQuarantined = (key: unknown): boolean => typeof key === 'string' && key.startsWith(quarantinePrefix)

/** Where to go on when a copy was set aside: `next` is the generation that takes its place. */
export interface SetAsideRecord extends SetAside {
  readonly next: number
}

/** What is known of a copy as a whole. */
export interface CopyRecord {
  /** Of this very database: one that is made anew under the same name has another. */
  readonly id: string
  /** Unix time in ms. */
  readonly usedAt: number
  /** Of all rows, about. */
  readonly bytes: number
}

export interface Records {
  /** By opening. */
  readonly marks: ReadonlyMap<string, DirtyMark>
  readonly history: History | null
  readonly account: string | null
  readonly setAside: SetAsideRecord | null
  readonly hasQuarantine: boolean
  readonly isWiped: boolean
  /** How many rows of the quarantine may hold edits that were pending when they were put there. */
  readonly unread: number
  readonly copy: CopyRecord | null
  /** Undefined where nothing was written with a key. */
  readonly keyCheck: unknown
}

export function readRecords(keys: readonly unknown[], values: readonly unknown[]): Records {
  const marks = new Map<string, DirtyMark>()
  const get = (key: string) => values[keys.indexOf(key)]
  for (const [index, key] of keys.entries()) {
    if (typeof key === 'string' && key.startsWith(dirtyPrefix)) {
      marks.set(key.slice(dirtyPrefix.length), readDirtyMark(values[index]))
    }
  }
  const account = get(accountKey)
  return {
    marks,
    history: readHistory(get(historyKey)),
    account: typeof account === 'string' ? account : null,
    setAside: readSetAside(get(setAsideKey)),
    hasQuarantine: keys.some(isQuarantined),
    isWiped: keys.includes(wipedKey),
    unread: keys.filter((key) => typeof key === 'string' && key.startsWith(unreadPrefix)).length,
    copy: readCopy(get(copyKey)),
    keyCheck: get(keyCheckKey),
  }
}

/** What is pending in a copy, as it is stored. */
export function pendingOf({ marks, unread }: Records): number {
  return pendingIn(marks.values()) + unread
}

function readHistory(value: unknown): History | null {
  const { epoch, revision } = (value ?? {}) as Partial<History>
  return typeof epoch === 'string' && Number.isInteger(revision) ? { epoch, revision: revision! } : null
}

function readCopy(value: unknown): CopyRecord | null {
  const { id, usedAt, bytes } = (value ?? {}) as Partial<CopyRecord>
  return typeof id === 'string' && Number.isFinite(usedAt) && Number.isFinite(bytes)
    ? { id, usedAt: usedAt!, bytes: bytes! }
    : null
}

function readSetAside(value: unknown): SetAsideRecord | null {
  const { reason, at, next } = (value ?? {}) as Partial<SetAsideRecord>
  return reason && typeof at === 'number' && Number.isInteger(next) ? { reason, at, next: next! } : null
}

/** Takes back what of the marks is durable by now, in the transaction of `custom`. */
export function clearMarks(custom: IDBObjectStore, acknowledged: Acknowledged): void {
  for (const [opening, position] of acknowledged) {
    const key = dirtyKey(opening)
    const request = custom.get(key)
    request.onsuccess = () => {
      if (request.result === undefined) return
      const rest = remainder(readDirtyMark(request.result), position)
      if (rest) custom.put(rest, key)
      else custom.delete(key)
    }
  }
}

/** An opening's edits are on behalf of this account, those that are marked already, too. */
export function markAccount(custom: IDBObjectStore, opening: string, account: string): void {
  const request = custom.get(dirtyKey(opening))
  request.onsuccess = () => {
    if (request.result !== undefined) custom.put(ofAccount(readDirtyMark(request.result), account), dirtyKey(opening))
  }
}

/**
 * Puts rows where they are no longer in the way, in the transaction that takes them out of it. While something is
 * pending, a row that nobody can read may hold it; the mark goes with what the others say, so this one is noted apart.
 */
export function putInQuarantine(
  custom: IDBObjectStore,
  rows: readonly { readonly key: IDBValidKey; readonly update: unknown }[],
): void {
  if (rows.length === 0) return
  for (const { key, update } of rows) custom.put(update, quarantineKey(key))
  const marks = custom.count(IDBKeyRange.bound(dirtyPrefix, `${dirtyPrefix}\uffff`))
  marks.onsuccess = () => {
    if (marks.result > 0) for (const { key } of rows) custom.put(true, unreadPrefix + String(key))
  }
}

/**
 * What is pending of the openings whose edits a snapshot holds: their own marks may come later, or never.
 * @param account whose tab this is, and so theirs: those of another one do not meet it
 */
export function mergeMarks(
  custom: IDBObjectStore,
  marks: ReadonlyMap<string, DirtyMark>,
  account: string | null,
): void {
  for (const [opening, mark] of marks) {
    const request = custom.get(dirtyKey(opening))
    request.onsuccess = () => {
      const known = request.result === undefined ? null : readDirtyMark(request.result)
      if (known && known.from <= mark.from && known.to >= mark.to) return
      custom.put(known ? spanning(known, mark) : ofAccount(mark, mark.account ?? account), dirtyKey(opening))
    }
  }
}

/** A check gives way only to that of a newer key, one that knows the key which it follows, or to one that says more. */
export function putKeyCheck(custom: IDBObjectStore, check: unknown, seals: Pick<Seals, 'follows'>): void {
  const request = custom.get(keyCheckKey)
  request.onsuccess = () => {
    if (seals.follows(check, request.result)) custom.put(check, keyCheckKey)
  }
}

/** The first word stands: several tabs may say it at once (R9.4). */
export function putSetAside(custom: IDBObjectStore, record: SetAsideRecord): void {
  const request = custom.get(setAsideKey)
  request.onsuccess = () => {
    if (!readSetAside(request.result)) custom.put(record, setAsideKey)
  }
}

/** Says that the copy is used. The identity that it has stays. */
export function putCopy(custom: IDBObjectStore, now: CopyRecord, told: (record: CopyRecord) => void): void {
  const request = custom.get(copyKey)
  request.onsuccess = () => {
    const record = { ...now, id: readCopy(request.result)?.id ?? now.id }
    custom.put(record, copyKey)
    told(record)
  }
}
