import * as z from 'zod/mini'
import type { History } from './local-store.ts'

/** Which positions of one opened document are pending: the dirty mark (R3.1). */
export interface DirtyMark {
  readonly from: number
  readonly to: number
}

const prefix = 'tidemark:dirty:'
const dirtyMarkSchema = z.object({ from: z.int(), to: z.int() })

/** Each opening of a document has its own key, so that two tabs do not clear each other's marks. */
export function dirtyKey(opening: string): string {
  return prefix + opening
}

export function isDirtyKey(key: unknown): key is string {
  return typeof key === 'string' && key.startsWith(prefix)
}

/** A mark that cannot be read still means that something is pending: better once too often than forgotten. */
export function readDirtyMark(value: unknown): DirtyMark {
  const result = dirtyMarkSchema.safeParse(value)
  return result.success && result.data.to >= result.data.from ? result.data : { from: 1, to: 1 }
}

export function pendingIn(mark: DirtyMark): number {
  return mark.to - mark.from + 1
}

/** What is left of a mark once everything up to `acknowledged` is durable. */
export function remainder(mark: DirtyMark, acknowledged: number): DirtyMark | null {
  return mark.to <= acknowledged ? null : { from: Math.max(mark.from, acknowledged + 1), to: mark.to }
}

/** Deletes only what was seen: a tab that has marked more in the meantime keeps its mark. */
export function isSameMark(a: DirtyMark, b: DirtyMark): boolean {
  return a.from === b.from && a.to === b.to
}

export const historyKey = 'tidemark:history'
export const quarantinePrefix = 'tidemark:quarantine:'

const historySchema = z.object({ epoch: z.string(), revision: z.int() })

export function readHistory(value: unknown): History | null {
  const result = historySchema.safeParse(value)
  return result.success ? result.data : null
}
