import { TidemarkError } from '@tidemark/shared'
import type { Contents, Row } from './rows.ts'

/** What a database holds, as far as it says with what key it was written, and how far. */
export type Written = Pick<Contents, 'keyCheck' | 'rows' | 'copy'>

/** How the rows of one database are written and read, where they are not stored in the clear (D2.4). */
export interface Seals {
  /**
   * Finds out whether the key is right, and whether rows in the clear are to be taken.
   * @throws {TidemarkError} `local-storage-key-wrong`
   */
  verify(written: Written): Promise<void>
  /**
   * A copy that was stored in the clear is being taken over: until all of it is sealed, which is noted with the key,
   * rows in the clear are read. From then on they are none of ours (D2.9).
   */
  readonly takesClear: boolean
  /** Another tab may have noted since that all is sealed. @param check that stands there now */
  heed(check: unknown): Promise<void>
  /**
   * Stands beside the rows, so that a wrong key is told from a changed row.
   * @param isAllSealed says that nothing is in the clear; without it, as it was found or noted
   */
  check(isAllSealed?: boolean): Promise<unknown>
  /** @throws {TidemarkError} `local-storage-key-wrong` */
  open(rows: readonly Row[]): Promise<OpenedRows>
  seal(update: Uint8Array): Promise<unknown>
  /**
   * Whether a check may take the place of the one that stands there: of none, of that of a key before this one, and of
   * one that does not say yet that all is sealed. None that says so gives way to one that does not.
   */
  follows(check: unknown, standing: unknown): boolean
  /** Whether a row is written as it would be now. */
  isCurrent(row: unknown): boolean
}

export interface OpenedRows {
  readonly opened: readonly Row[]
  /** They are not as they were written with a key that is known, or were written with none. */
  readonly tampered: readonly Row[]
}

/** A sealed row as it is stored; what else a row may be is an update in the clear. */
export interface SealedRow {
  readonly keyId: string
  readonly iv: Uint8Array
  readonly data: Uint8Array
}

export function isSealed(row: unknown): row is SealedRow {
  return typeof row === 'object' && row !== null && 'keyId' in row
}

/** Reads rows with the seals there are, or in the clear. @throws {TidemarkError} `local-storage-key-wrong` */
export async function openRows(seals: Seals | null, rows: readonly Row[]): Promise<OpenedRows> {
  if (seals) return seals.open(rows)
  if (rows.some(({ update }) => isSealed(update))) throw new TidemarkError('local-storage-key-wrong')
  return { opened: rows, tampered: [] }
}

/** In bytes. */
export function sizeOf(row: unknown): number {
  const bytes = isSealed(row) ? row.data : row
  return bytes instanceof Uint8Array ? bytes.length : 0
}
