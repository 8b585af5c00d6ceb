import { type DirtyMark, ofAccount, readDirtyMark, remainder } from './dirty-mark.ts'
import type { Acknowledged, History, SetAside } from './local-store.ts'

/** What stands beside the rows, in y-indexeddb's `custom` store, under names that no app will use for its own. */
const dirtyPrefix = 'tidemark:dirty:'
const quarantinePrefix = 'tidemark:quarantine:'
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
    copy: readCopy(get(copyKey)),
    keyCheck: get(keyCheckKey),
  }
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
